import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { productOf } from './catalog.ts'
import { Refusal, type Route } from './http.ts'

/** The cart module: makes carts and puts products into them. Its state is in the shared store. */
export function cartRoutes(store: DatabaseSync): Route[] {
  const insert = store.prepare('INSERT INTO cart (id, created_ms) VALUES (?, ?)')
  const find = store.prepare('SELECT id FROM cart WHERE id = ?')
  const items = store.prepare('SELECT sku, quantity, cents FROM item WHERE cart = ? ORDER BY sku')
  const put = store.prepare(
    'INSERT INTO item (cart, sku, quantity, cents) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET quantity = excluded.quantity, cents = excluded.cents',
  )
  const remove = store.prepare('DELETE FROM item WHERE cart = ? AND sku = ?')

  const need = (id = ''): string => {
    if (find.get(id) === undefined) throw new Refusal(404, `there is no cart ${id}`)
    return id
  }
  const show = (id: string) => {
    const rows = items.all(id).map(({ sku, quantity, cents }) => ({
      sku: String(sku),
      quantity: Number(quantity),
      cents: Number(cents),
    }))
    const totalCents = rows.reduce((sum, row) => sum + row.quantity * row.cents, 0)
    return { id, items: rows, totalCents }
  }

  return [
    {
      method: 'POST',
      path: '/cart',
      handle: () => {
        const id = randomUUID()
        insert.run(id, Date.now())
        return { status: 201, body: show(id), headers: { location: `/cart/${id}` } }
      },
    },
    { method: 'GET', path: '/cart/:id', handle: ({ params }) => ({ body: show(need(params.id)) }) },
    {
      method: 'PUT',
      path: '/cart/:id/items/:sku',
      handle: async (call) => {
        const { quantity } = await call.json()
        if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1 || quantity > 99)
          throw new Refusal(400, 'quantity must be a whole number from 1 to 99')
        const product = productOf(call.params.sku ?? '')
        const id = need(call.params.id)
        put.run(id, product.sku, quantity, product.cents)
        return { body: show(id) }
      },
    },
    {
      method: 'DELETE',
      path: '/cart/:id/items/:sku',
      handle: ({ params }) => {
        const id = need(params.id)
        remove.run(id, params.sku ?? '')
        return { body: show(id) }
      },
    },
  ]
}
