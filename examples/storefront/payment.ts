import { createHmac, randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { Refusal, type Route } from './http.ts'
import type { FindPayment, Payment } from './payment-lookup.ts'

const RECEIPT_KEY = 'the example shop signs its receipts with this'

/** The payment module: a cart is paid at most once, however often the call is sent. Its state is in the shared store. */
export function paymentRoutes(store: DatabaseSync): Route[] {
  const total = store.prepare('SELECT SUM(quantity * cents) AS cents FROM item WHERE cart = ?')
  const insert = store.prepare(
    'INSERT INTO payment (id, cart, cents, receipt) VALUES (?, ?, ?, ?) ON CONFLICT (cart) DO NOTHING',
  )
  const ofCart = store.prepare('SELECT id, cart, cents, receipt FROM payment WHERE cart = ?')
  const byId = store.prepare('SELECT id, cart, cents, receipt FROM payment WHERE id = ?')

  return [
    {
      method: 'POST',
      path: '/payment',
      handle: async (call) => {
        const { cart } = await call.json()
        if (typeof cart !== 'string') throw new Refusal(400, 'cart must be the id of a cart')
        const cents = Number(total.get(cart)?.cents ?? 0)
        if (cents === 0) throw new Refusal(409, `cart ${cart} is empty, or there is none`)
        const id = randomUUID()
        const made = insert.run(id, cart, cents, receipt(id, cart, cents)).changes > 0
        return { status: made ? 201 : 200, body: ofCart.get(cart) }
      },
    },
    {
      method: 'GET',
      path: '/payment/:id',
      handle: ({ params }) => {
        const payment = byId.get(params.id ?? '')
        if (payment === undefined) throw new Refusal(404, `there is no payment ${params.id}`)
        return { body: payment }
      },
    },
  ]
}

/** Finds payments where the module itself is: in the same process. */
export function paymentIn(store: DatabaseSync): FindPayment {
  const byId = store.prepare('SELECT id, cart, cents, receipt FROM payment WHERE id = ?')
  return async (id) => (byId.get(id) as Payment | undefined) ?? null
}

function receipt(id: string, cart: string, cents: number): string {
  return createHmac('sha256', RECEIPT_KEY).update(`${id} ${cart} ${cents}`).digest('base64url')
}
