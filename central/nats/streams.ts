import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats.ws'
import {
  MINUTES_STREAM,
  MODEL_BUCKET,
  POLICY_BUCKET,
  RELEASE_BUCKET,
  STREAMS,
} from '../../contract/subjects.ts'

export interface StreamLimits {
  /** Telemetry is dropped, the oldest first, beyond this age or size. */
  readonly telemetryAgeMs: number
  readonly telemetryBytes: number
  /** The same of the minutes that models are trained from. */
  readonly minutesAgeMs: number
  readonly minutesBytes: number
  /** What PoPs write is bounded in each stream: a flood of one must leave room for policies and models. */
  readonly auditBytes: number
  readonly ackBytes: number
}

export const DEFAULT_LIMITS: StreamLimits = {
  telemetryAgeMs: 48 * 3_600_000,
  telemetryBytes: 512 * 1024 ** 2,
  minutesAgeMs: 35 * 24 * 3_600_000,
  minutesBytes: 1024 ** 3,
  auditBytes: 512 * 1024 ** 2,
  ackBytes: 64 * 1024 ** 2,
}

/** Versions of each policy and release that its bucket keeps; 64 is the most NATS allows. */
const HISTORY = 64
const STREAM_EXISTS = 10058
/** Of all telemetry, what is kept for training. */
const MINUTES = 'atlas.telemetry.*.minute'

/**
 * Makes the streams and buckets where they are missing, and brings the limits of those that are there up to date.
 * No stream that a PoP publishes into allows rollup: a PoP cannot empty one.
 * @throws NatsError when JetStream refuses or is not ready yet
 */
export async function ensureStreams(
  connection: NatsConnection,
  limits: StreamLimits = DEFAULT_LIMITS,
): Promise<void> {
  const manager = await connection.jetstreamManager({ timeout: 5_000 })
  const common = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    allow_direct: true,
    allow_rollup_hdrs: false,
    discard: DiscardPolicy.Old,
  }
  await ensure(manager, {
    ...common,
    name: STREAMS.telemetry,
    subjects: ['atlas.telemetry.>'],
    max_age: nanos(limits.telemetryAgeMs),
    max_bytes: limits.telemetryBytes,
  })
  await ensure(manager, {
    ...common,
    name: MINUTES_STREAM,
    sources: [{ name: STREAMS.telemetry, filter_subject: MINUTES }],
    max_age: nanos(limits.minutesAgeMs),
    max_bytes: limits.minutesBytes,
  })
  await ensure(manager, {
    ...common,
    name: STREAMS.ack,
    subjects: ['atlas.ack.>'],
    max_msgs_per_subject: 64,
    max_bytes: limits.ackBytes,
  })
  await ensure(manager, {
    ...common,
    name: STREAMS.audit,
    subjects: ['atlas.audit.>'],
    max_bytes: limits.auditBytes,
    deny_delete: true,
    deny_purge: true,
  })
  const { views } = connection.jetstream({ timeout: 5_000 })
  for (const bucket of [POLICY_BUCKET, RELEASE_BUCKET])
    await views.kv(bucket, { history: HISTORY, allow_direct: true })
  await views.os(MODEL_BUCKET, { storage: StorageType.File })
}

async function ensure(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.add(config)
  } catch (thrown) {
    if (!(thrown instanceof NatsError) || thrown.api_error?.err_code !== STREAM_EXISTS) throw thrown
    await manager.streams.update(config.name, config)
  }
}
