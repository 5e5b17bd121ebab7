import { parseArgs } from 'node:util'
import { cartRoutes } from './cart.ts'
import { catalogRoutes } from './catalog.ts'
import { type Route, serverOf } from './http.ts'
import { loadRoute } from './load.ts'
import { pageRoutes } from './page.ts'
import { paymentIn, paymentRoutes } from './payment.ts'
import { paymentThrough } from './payment-lookup.ts'
import { shippingRoutes } from './shipping.ts'
import { openStore } from './store.ts'

/**
 * One process of the shop: the monolith with all modules, or a service with some of them.
 *
 *     node server.node.ts --store shop.db --port 9000
 *     node server.node.ts --store shop.db --port 9004 --modules shipping --edge http://127.0.0.1:8787
 *
 * A module calls another one that is not in its process through the edge, when it is told where that is.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9000' },
    store: { type: 'string', default: ':memory:' },
    modules: { type: 'string', default: 'page,catalog,cart,payment,shipping' },
    edge: { type: 'string' },
  },
})

const store = openStore(values.store)
const names = values.modules.split(',')
const findPayment =
  names.includes('payment') || values.edge === undefined ? paymentIn(store) : paymentThrough(values.edge)
const modules: Readonly<Record<string, () => Route[]>> = {
  page: pageRoutes,
  catalog: catalogRoutes,
  cart: () => cartRoutes(store),
  payment: () => paymentRoutes(store),
  shipping: () => shippingRoutes(store, findPayment),
}
const routes = names.flatMap((name) => {
  const make = modules[name]
  if (!make) throw new Error(`unknown module "${name}"; there are: ${Object.keys(modules).join(', ')}`)
  return make()
})
const health: Route = {
  method: 'GET',
  path: '/healthz',
  handle: () => ({ body: { ok: true, modules: names, pid: process.pid } }),
}

const server = serverOf([health, loadRoute(), ...routes])
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`storefront: ${names.join(', ')} on http://127.0.0.1:${values.port}`)
})
server.on('error', (error) => {
  console.error(`storefront: ${error.message}`)
  process.exit(1)
})

/** Answers what it has begun, then ends. */
process.once('SIGTERM', () => {
  server.close(() => {
    store.close()
    process.exit(0)
  })
  server.closeIdleConnections()
  setTimeout(() => process.exit(0), 2000).unref()
})
