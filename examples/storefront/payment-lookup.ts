import { type Call, Refusal } from './http.ts'

export interface Payment {
  readonly id: string
  readonly cart: string
  readonly cents: number
  readonly receipt: string
}

/** Finds a payment; null when there is none. `call` is the request in whose course it is needed. */
export type FindPayment = (id: string, call: Call) => Promise<Payment | null>

const LIMIT_MS = 2000
/** W3C Trace Context: passed on as it came, it keeps the trace together and says which module asks. */
const TRACE_HEADERS = ['traceparent', 'tracestate']

/**
 * Asks the payment module through the edge, wherever it runs. While it does not answer nothing is known of a payment, and
 * the request is refused with 503: a parcel leaves only when it is paid for.
 */
export function paymentThrough(edge: string): FindPayment {
  return async (id, call) => {
    const headers = new Headers()
    for (const name of TRACE_HEADERS) {
      const value = call.headers[name]
      if (value !== undefined) headers.set(name, String(value))
    }
    const url = `${edge}/payment/${encodeURIComponent(id)}`
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(LIMIT_MS) })
      const body: unknown = await response.json()
      if (response.status === 404) return null
      if (response.ok) return body as Payment
    } catch (thrown) {
      console.error(`storefront: ${url}: ${thrown instanceof Error ? thrown.message : thrown}`)
    }
    throw new Refusal(503, 'the payment cannot be checked just now; please try again')
  }
}
