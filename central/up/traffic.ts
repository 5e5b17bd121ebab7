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
