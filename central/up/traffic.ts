import { setTimeout as delay } from 'node:timers/promises'

/** What came of requests that were sent through the edge. */
export interface Tally {
  passed: number
  /** One line a failure: what was asked, and what came back. */
  readonly errors: string[]
}

/** One customer of the example shop: looks around, fills a cart, pays, has it shipped. Every answer must be 2xx. */
export async function visitShop(edge: string, tally: Tally): Promise<void> {
  await call(edge, tally, 'GET', '/')
  await call(edge, tally, 'GET', '/catalog?size=10')
  await call(edge, tally, 'GET', '/catalog/search?q=tent')
  await call(edge, tally, 'GET', '/catalog/p007')
  const cart = await call(edge, tally, 'POST', '/cart', {})
  await call(edge, tally, 'PUT', `/cart/${cart.id}/items/p007`, { quantity: 2 })
  await call(edge, tally, 'GET', `/cart/${cart.id}`)
  await call(edge, tally, 'GET', '/shipping/quote/de?pieces=2')
  const payment = await call(edge, tally, 'POST', '/payment', { cart: cart.id })
  await call(edge, tally, 'POST', '/shipping', { payment: payment.id, country: 'de' })
}

/** One request to a server we know nothing of: any answer below 500 is a pass. */
export async function visitOrigin(edge: string, tally: Tally): Promise<void> {
  await call(edge, tally, 'GET', '/', undefined, 499)
  await delay(20)
}

/** Requests of one `visitShop`. */
const REQUESTS_A_VISIT = 10
/** Visits that may be open at once: an edge that hangs does not fill the memory. */
const MAX_OPEN = 200

/** Sends about that many requests a second, evenly spaced, until the signal: customers of the shop, or GET / elsewhere. */
export async function startTraffic(
  edge: string,
  rps: number,
  { shop, signal }: { shop: boolean; signal: AbortSignal },
): Promise<void> {
  const gapMs = (1000 * (shop ? REQUESTS_A_VISIT : 1)) / rps
  let open = 0
  let dueMs = Date.now()
  while (!signal.aborted) {
    for (; dueMs <= Date.now(); dueMs += gapMs) {
      if (open >= MAX_OPEN) continue
      open += 1
      const tally: Tally = { passed: 0, errors: [] }
      const visit = shop ? visitShop(edge, tally) : call(edge, tally, 'GET', '/', undefined, 499)
      void visit.finally(() => (open -= 1))
    }
    await delay(Math.min(100, Math.max(1, dueMs - Date.now())))
  }
}

async function call(
  edge: string,
  tally: Tally,
  method: string,
  path: string,
  body?: object,
  highestStatus = 299,
): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(edge + path, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.text()
    if (response.status > highestStatus) throw new Error(`${response.status} ${text.slice(0, 100)}`)
    tally.passed += 1
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}
  } catch (thrown) {
    tally.errors.push(`${method} ${path}: ${(thrown as Error).message}`)
    return {}
  }
}
