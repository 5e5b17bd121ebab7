import { Hono, type MiddlewareHandler } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Scope } from '../auth/token-file.ts'
import { alertsOf } from '../ingest/view.ts'
import type { Mailbox } from './broadcast.ts'
import { summarize } from './pop-summary.ts'
import { problem, problemResponse } from './problem.ts'
import type { Services } from './services.ts'

const HEARTBEAT_MS = 5_000

/**
 * `GET /v1/stream`: server-sent events. First a `snapshot` of everything, then `second`, `minute`, `decision`, `alert`,
 * `ack`, `policy` and `nats` as they happen (messages of PoPs as `{receivedAtMs, message}`; with `alert`, what all its events
 * so far tell), and a `beat` with central's time when nothing does.
 */
export function streamRoute(services: Services, guard: (scope: Scope) => MiddlewareHandler): Hono {
  const routes = new Hono()
  routes.get('/stream', guard('read'), (context) => {
    const mailbox = services.broadcast.open()
    if (!mailbox) {
      const detail = 'as many listeners as central takes are connected; try again later'
      return problemResponse(problem(503, 'busy', 'Too many listeners', detail), { 'retry-after': '10' })
    }
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => services.broadcast.drop(mailbox))
      try {
        await stream.writeSSE({ event: 'snapshot', data: JSON.stringify(snapshot(services)) })
        await pass(mailbox, (event, data) => stream.writeSSE({ event, data: JSON.stringify(data) }), services)
      } finally {
        services.broadcast.drop(mailbox)
      }
    })
  })
  return routes
}

async function pass(
  mailbox: Mailbox,
  write: (event: string, data: unknown) => Promise<void>,
  services: Services,
): Promise<void> {
  for (;;) {
    const events = await mailbox.take(HEARTBEAT_MS)
    if (events === null) return
    for (const { event, data } of events) await write(event, data)
    if (events.length === 0) await write('beat', { nowMs: services.wallMs() })
  }
}

function snapshot(services: Services): object {
  const nowMs = services.wallMs()
  return {
    nowMs,
    staleMs: services.staleMs,
    nats: services.link(),
    pops: services.view.pops().map((pop) => ({
      ...summarize(pop, nowMs, services.staleMs),
      seconds: pop.seconds,
      minutes: pop.minutes,
    })),
    decisions: services.view.decisions(20),
    alerts: services.view.pops().flatMap((pop) => alertsOf(pop).slice(-20)),
  }
}
