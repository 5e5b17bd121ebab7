import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { Refusal, type Route } from './http.ts'
import type { FindPayment } from './payment-lookup.ts'

/** Cents for the first item and for each further one, by country. */
const RATES: Readonly<Record<string, readonly [number, number]>> = {
  de: [490, 100],
  fr: [690, 150],
  jp: [1990, 400],
  us: [1490, 300],
}

/** The shipping module: quotes, and one shipment a payment. Its state is in the shared store. */
export function shippingRoutes(store: DatabaseSync, findPayment: FindPayment): Route[] {
  const pieces = store.prepare('SELECT SUM(quantity) AS pieces FROM item WHERE cart = ?')
  const insert = store.prepare(
    'INSERT INTO shipment (id, payment, country, cents) VALUES (?, ?, ?, ?) ON CONFLICT (payment) DO NOTHING',
  )
  const ofPayment = store.prepare('SELECT id, payment, country, cents FROM shipment WHERE payment = ?')
  const byId = store.prepare('SELECT id, payment, country, cents FROM shipment WHERE id = ?')

  return [
    {
      method: 'GET',
      path: '/shipping/quote/:country',
      handle: ({ params, query }) => {
        const count = Number(query.get('pieces') ?? 1)
        if (!Number.isInteger(count) || count < 1) throw new Refusal(400, 'pieces must be a number from 1')
        return { body: { country: params.country, pieces: count, cents: quote(params.country ?? '', count) } }
      },
    },
    {
      method: 'POST',
      path: '/shipping',
      handle: async (call) => {
        const { payment, country } = await call.json()
        if (typeof payment !== 'string' || typeof country !== 'string')
          throw new Refusal(400, 'payment must be the id of a payment, and country a country code')
        const paid = await findPayment(payment, call)
        if (paid === null) throw new Refusal(404, `there is no payment ${payment}`)
        const count = Number(pieces.get(paid.cart)?.pieces ?? 0)
        if (count === 0) throw new Refusal(409, `cart ${paid.cart} is empty`)
        const made = insert.run(randomUUID(), payment, country, quote(country, count)).changes > 0
        return { status: made ? 201 : 200, body: ofPayment.get(payment) }
      },
    },
    {
      method: 'GET',
      path: '/shipping/:id',
      handle: ({ params }) => {
        const shipment = byId.get(params.id ?? '')
        if (shipment === undefined) throw new Refusal(404, `there is no shipment ${params.id}`)
        return { body: shipment }
      },
    },
  ]
}

function quote(country: string, count: number): number {
  const rate = RATES[country]
  if (!rate) throw new Refusal(400, `we ship to ${Object.keys(RATES).join(', ')}, not to ${country}`)
  return rate[0] + rate[1] * (count - 1)
}
