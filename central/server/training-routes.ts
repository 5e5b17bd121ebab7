import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import { isToken } from '../../contract/subjects.ts'
import type { Scope } from '../auth/token-file.ts'
import { parseTrace } from '../train/traces.node.ts'
import { problem, problemResponse } from './problem.ts'
import type { Services } from './services.ts'
import { smallBody } from './small-body.ts'

/** A year of minutes is about 16 MB. */
const MAX_TRACE_BYTES = 32 * 1024 * 1024
const STEP_S = 60
const EPOCHS = 30

const callSchema = z.strictObject({
  reason: z.string().max(400).default(''),
  /** PoPs whose series are fitted; all with recorded minutes when left out. */
  pops: z.array(z.string().refine(isToken, 'must be the name of a PoP')).min(1).max(1000).optional(),
  global: z.boolean().default(false),
  epochs: z.number().int().min(1).max(1000).default(EPOCHS),
  quick: z.boolean().default(false),
})

/** `/v1/models/train…` and `/v1/models/adaptations…`: trainings from what PoPs recorded, and what each PoP got of them. */
export function trainingRoutes(
  { training, adaptations, minutes }: Pick<Services, 'training' | 'adaptations' | 'minutes'>,
  guard: (scope: Scope) => MiddlewareHandler,
): Hono {
  const routes = new Hono()

  routes.get('/training', guard('read'), (context) => context.json({ training: training.state }))

  routes.post('/train', guard('push'), smallBody, async (context) => {
    const { pops, ...call } = parse(await context.req.text())
    const by = callerOf(context)
    return context.json(training.start({ ...call, trigger: 'demand', by, pops: pops ?? null }), 202)
  })

  routes.delete('/training', guard('push'), (context) => {
    training.cancel(callerOf(context))
    return context.json({ training: training.state })
  })

  routes.get('/adaptations', guard('read'), async (context) =>
    context.json({ adaptations: await adaptations.list() }),
  )

  routes.post(
    '/adaptations/:pop',
    guard('push'),
    bodyLimit({ maxSize: MAX_TRACE_BYTES, onError: tooLarge }),
    async (context) => {
      const pop = popOf(context)
      const text = await context.req.text()
      const trace = text === '' ? null : traceOf(pop, text)
      const { reason = '', quick } = context.req.query()
      const call = { by: callerOf(context), reason: reason.slice(0, 400), quick: quick === '1' }
      const wanted = { trigger: 'demand', pops: [pop], global: false, epochs: EPOCHS } as const
      return context.json(training.start({ ...wanted, ...call, ...(trace && { trace }) }), 202)
    },
  )

  routes.delete('/adaptations/:pop', guard('push'), async (context) => {
    const reason = (context.req.query('reason') ?? '').slice(0, 400)
    return context.json(await adaptations.withdraw(popOf(context), { by: callerOf(context), reason }))
  })

  routes.get('/examples', guard('read'), async (context) =>
    context.json(await minutes.examples(context.req.query('pop'))),
  )

  return routes
}

function callerOf(context: Context): string {
  return context.get('caller') ?? 'unknown'
}

function popOf(context: Context): string {
  const pop = context.req.param('pop') ?? ''
  if (isToken(pop)) return pop
  throw new AtlasError('message/invalid', `${JSON.stringify(pop.slice(0, 80))} is no name of a PoP`)
}

function traceOf(pop: string, text: string) {
  const series = parseTrace(pop, text)
  if (series.stepS === STEP_S) return series
  throw new AtlasError(
    'message/invalid',
    `the trace has steps of ${series.stepS} s; a PoP's series has steps of ${STEP_S} s`,
  )
}

function parse(text: string): z.output<typeof callSchema> {
  const document = (): unknown => {
    try {
      return text === '' ? {} : JSON.parse(text)
    } catch (cause) {
      throw new AtlasError('message/invalid', 'the body is not JSON', { cause })
    }
  }
  const parsed = callSchema.safeParse(document())
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AtlasError(
    'message/invalid',
    `the body must be {pops?, global?, epochs?, quick?, reason?}: ${issue?.path.join('.') || 'document'}: ${issue?.message}`,
  )
}

function tooLarge(): Response {
  const detail = `a trace may have at most ${MAX_TRACE_BYTES} bytes`
  return problemResponse(problem(413, 'message/invalid', 'The trace is too large', detail))
}
