import * as z from 'zod'
import { ALERT_LEVELS, ALERT_MEASURES, FAULT_METRICS } from './alert.ts'
import { GUARDS, RULES } from './decision.ts'
import { AtlasError } from './errors.ts'
import { count, mode, time } from './message-parts.ts'
import { modelsSchema } from './models-state.ts'

const quantiles = z.strictObject({ p10: z.number(), p50: z.number(), p90: z.number() })

/** Every message says its version, its PoP and its place in the PoP's outbox (strictly rising, so a repeat is known). */
const head = { v: z.literal(1), pop: z.string(), seq: count, atMs: time }

const forecastSchema = z.strictObject({
  /** Trace time at which the forecast was made. */
  madeAtMs: time,
  model: z.string(),
  /** Requests a second, per horizon. */
  in5: quantiles,
  in15: quantiles,
  in60: quantiles,
  /**
   * Mean absolute errors at +5 min of the last hours, requests a second: of what was published, of the model alone, and
   * of saying what was a day before (null in the first day). Left out where nothing judges.
   */
  rolling: z
    .strictObject({
      known: count,
      champion: z.number(),
      reference: z.number(),
      seasonalNaive: z.number().nullable(),
    })
    .optional(),
})

const forecasterStateSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('warming'), minutes: count, of: count }),
  z.strictObject({ kind: z.literal('ready'), forecast: forecastSchema }),
  z.strictObject({ kind: z.literal('reactive'), reason: z.string() }),
])

const anomalySchema = z.strictObject({
  /** Calibrated, 0..1: 0.7 is the training data's 99 % quantile. */
  score: z.number(),
  /** Features that isolate the point, the strongest first. */
  features: z.array(z.string()).max(8),
})

/** A module that may be at fault, as the ranking of root causes names it. */
const suspectSchema = z.strictObject({
  module: z.string(),
  metric: z.enum(FAULT_METRICS),
  /** Share of the front door's excess that was followed to this module, 0..1. */
  share: z.number(),
  /** Its own deviation, in its own ordinary spreads. */
  deviation: z.number(),
  /** From the front door to the suspect. */
  path: z.array(z.string()).max(32),
})

/** An open alert in short; the suspect is null while nothing could be ranked. */
const openAlertSchema = z.strictObject({
  id: z.string(),
  level: z.enum(ALERT_LEVELS),
  sinceMs: time,
  suspect: suspectSchema.nullable(),
})

const moduleSchema = z.strictObject({
  name: z.string(),
  loose: z.boolean(),
  rps: z.number(),
  requests: count,
  errors4xx: count,
  errors5xx: count,
  unreachable: count,
  shed: count,
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
})

/** Once a tick: what the PoP sees and does. */
const secondSchema = z.strictObject({
  ...head,
  kind: z.literal('second'),
  mode,
  rps: z.number(),
  policy: z.strictObject({ name: z.string(), version: count }),
  modules: z.array(moduleSchema),
  anomaly: anomalySchema.nullable(),
  /** Left out by PoPs that raise none. */
  alert: openAlertSchema.nullable().optional(),
  forecaster: forecasterStateSchema,
  /** Messages that wait for NATS, and those a full outbox lost since the PoP's storage was made. */
  outbox: z.strictObject({ rows: count, dropped: count }).optional(),
})

/** What an origin reports of itself; null: it does not say. */
const originSchema = z.strictObject({
  /** Shares of what it may use, 0..1. */
  cpu: z.number().nullable(),
  memory: z.number().nullable(),
  /** Calls that wait for the database, and their share of its capacity where that is told, 0..1. */
  dbQueue: z.number().nullable(),
  dbQueueShare: z.number().nullable(),
  /** Messages that wait. */
  messageQueue: z.number().nullable(),
})

/** Once a trace minute: what the forecast is fed with, and what it said. */
const minuteSchema = z.strictObject({
  ...head,
  kind: z.literal('minute'),
  minuteStartMs: time,
  rps: z.number(),
  errorRate: z.number(),
  modules: z.array(
    z.strictObject({
      name: z.string(),
      rps: z.number(),
      errorRate: z.number(),
      /** Means of the minute; left out where the module's origin reported nothing. */
      origin: originSchema.optional(),
    }),
  ),
  /** The same of all origins together: the mean of shares, the sum of queues. */
  origin: originSchema.optional(),
  forecast: forecastSchema.nullable(),
  models: modelsSchema.optional(),
  /** Calls of one module by another that came through the edge in this minute. */
  calls: z.array(z.strictObject({ caller: z.string(), callee: z.string(), requests: count })).optional(),
})

const decisionSchema = z.strictObject({
  ...head,
  kind: z.literal('decision'),
  id: z.string(),
  rule: z.enum(RULES),
  guard: z.enum(GUARDS),
  from: mode,
  to: mode,
  loose: z.array(z.string()),
  /** What became of it: applied, held back by its guard, or refused by the preflight. */
  outcome: z.enum(['applied', 'held', 'refused']),
  detail: z.string(),
  measuredRps: z.number(),
  predictedRps: z.number().nullable(),
  forecastAgeMs: z.number().nullable(),
  anomalyScore: z.number().nullable(),
  policyVersion: count,
  thresholds: z.record(z.string(), z.number()),
})

/** An alert opens once, rises through the levels it reaches, and closes once. */
const alertSchema = z.strictObject({
  ...head,
  kind: z.literal('alert'),
  /** The same for all events of one alert. */
  id: z.string(),
  event: z.enum(['opened', 'escalated', 'closed']),
  level: z.enum(ALERT_LEVELS),
  /** Trace time at which it began, and, once closed, at which it was over. */
  sinceMs: time,
  endMs: time.nullable(),
  /** Calibrated score now, and the highest of this alert. */
  score: z.number(),
  peak: z.number(),
  /** Features that isolate the tick, the strongest first. */
  features: z.array(z.string()).max(8),
  /** Series that left their past, the most surprising first. `module` null: all traffic. */
  signals: z
    .array(
      z.strictObject({
        module: z.string().nullable(),
        measure: z.enum(ALERT_MEASURES),
        value: z.number(),
        usual: z.number().nullable(),
        surprise: z.number(),
      }),
    )
    .max(8),
  /** The modules at fault, the most suspect first; null: nothing could be ranked, and `undiagnosed` says why. */
  suspects: z.array(suspectSchema).max(5).nullable(),
  undiagnosed: z.string().nullable(),
})

/** What a PoP did with a policy. */
const ackSchema = z.strictObject({
  ...head,
  kind: z.literal('ack'),
  policy: z.string(),
  version: count,
  outcome: z.enum(['applied', 'rejected']),
  code: z.string(),
  reason: z.string(),
  faults: z.array(z.strictObject({ path: z.string(), message: z.string() })).max(32),
  /** Wall time, milliseconds: when central issued it, when the PoP had it applied. */
  issuedAtMs: time,
  appliedAtMs: time,
})

/** What a PoP did with a release of models. */
const releaseSchema = z.strictObject({
  ...head,
  kind: z.literal('model'),
  version: count,
  outcome: z.enum(['applied', 'rejected']),
  code: z.string(),
  reason: z.string(),
  champion: z.string(),
  rival: z.string().nullable(),
  /** Wall time: when central issued it, when the PoP was done with it. */
  issuedAtMs: time,
  appliedAtMs: time,
})

const messageSchema = z.discriminatedUnion('kind', [
  secondSchema,
  minuteSchema,
  decisionSchema,
  alertSchema,
  ackSchema,
  releaseSchema,
])

export type Forecast = z.output<typeof forecastSchema>
export type Quantiles = z.output<typeof quantiles>
export type ForecasterState = z.output<typeof forecasterStateSchema>
export type Anomaly = z.output<typeof anomalySchema>
export type ModuleState = z.output<typeof moduleSchema>
export type SecondMessage = z.output<typeof secondSchema>
export type MinuteMessage = z.output<typeof minuteSchema>
export type DecisionMessage = z.output<typeof decisionSchema>
export type AlertMessage = z.output<typeof alertSchema>
export type OpenAlert = z.output<typeof openAlertSchema>
export type SuspectModule = z.output<typeof suspectSchema>
export type AckMessage = z.output<typeof ackSchema>
export type ModelMessage = z.output<typeof releaseSchema>
export type ReportedOrigin = z.output<typeof originSchema>
export type Message = z.output<typeof messageSchema>

/** A message before the outbox numbers it. */
export type Draft = {
  [K in Message['kind']]: Omit<Extract<Message, { kind: K }>, 'v' | 'pop' | 'seq'>
}[Message['kind']]

/**
 * Parses one message of a PoP. Strict: an unknown key or version is refused.
 * @throws AtlasError `message/invalid` with the path of the first fault
 */
export function parseMessage(text: string): Message {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new AtlasError('message/invalid', 'message is not JSON', { cause })
  }
  const parsed = messageSchema.safeParse(document)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
  throw new AtlasError(
    'message/invalid',
    `message refused: ${faults[0]?.path || 'document'}: ${faults[0]?.message}`,
    { faults },
  )
}
