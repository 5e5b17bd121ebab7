import { Hono } from 'hono'

/** The bare Hono proxy that ATLAS is measured against: passes method, headers and body on, streams, does nothing else. */
const app = new Hono<{ Bindings: { ORIGIN: string } }>()

app.all('*', (context) => {
  const { url } = context.req
  const path = url.slice(url.indexOf('/', 8))
  return fetch(new Request(context.env.ORIGIN + path, context.req.raw), { redirect: 'manual' })
})

export default app
