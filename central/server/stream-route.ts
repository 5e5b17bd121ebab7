import type { HttpBindings } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import type { Scope } from '../auth/token-file.ts'
import { alertsOf } from '../ingest/view.ts'
import { BROADCAST_LIMITS, type Crowd, Mailbox } from './broadcast.ts'
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
    const client = context.get('caller') ?? null
    const { outgoing } = context.env as Partial<HttpBindings>
    const events = liveEvents(services, client === null ? 'without token' : `token ${client}`, () =>
      outgoing?.destroy(),
    )
    return events instanceof ReadableStream
      ? new Response(events, { headers: STREAM_HEADERS })
      : crowded(events)
  })
  return routes
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  'transfer-encoding': 'chunked',
}

function crowded(crowd: Crowd): Response {
  const [status, detail] =
    crowd === 'client'
      ? ([
          429,
          `${BROADCAST_LIMITS.perClient} live streams are open with this token (or without one); close one of them`,
        ] as const)
      : ([
          503,
          `as many listeners as central takes (${BROADCAST_LIMITS.listeners}) are connected; try again later`,
        ] as const)
  return problemResponse(problem(status, 'busy', 'Too many listeners', detail), { 'retry-after': '10' })
}

/**
 * The text of the live stream, made as it is read: a snapshot, then what happens.
 * @param cut ends the connection of a listener that central gives up; the page comes again by itself
 */
function liveEvents(services: Services, client: string, cut: () => void): ReadableStream<Uint8Array> | Crowd {
  const { broadcast } = services
  const encoder = new TextEncoder()
  const text = (event: string, data: unknown) =>
    encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const mailbox = broadcast.open(client, cut)
  if (!(mailbox instanceof Mailbox)) return mailbox
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(text('snapshot', snapshot(services))),
      pull: async (controller) => {
        const events = await mailbox.take(HEARTBEAT_MS)
        if (events === null) return controller.close()
        if (events.length === 0) controller.enqueue(text('beat', { nowMs: services.wallMs() }))
        for (const { event, data } of events) controller.enqueue(text(event, data))
      },
      cancel: () => broadcast.drop(mailbox),
    },
    { highWaterMark: 0 },
  )
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
