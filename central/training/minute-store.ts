import type { NatsConnection } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { type AlertMessage, type MinuteMessage, parseMessage } from '../../contract/messages.ts'
import { MINUTES_STREAM, STREAMS, subjects } from '../../contract/subjects.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'
import { incidentWindows, windowsOf } from './incident-windows.ts'
import { type WrittenSeries, writeSeries } from './job.ts'
import { isUsable, type RecordedMinute, SeriesRecorder } from './recorded-series.ts'

const TIMEOUT_MS = 8_000
/** Without a message for so long a reading is given up. */
const SILENCE_MS = 10_000
/** Minutes are many: they are read as far as this needs, not checked like a message that steers something. */
type RawMinute = RecordedMinute & Pick<MinuteMessage, 'kind'>

/** A file of examples, as `parseExamples` takes it. */
export interface IncidentExamples {
  readonly v: 1
  readonly kind: 'incident-examples'
  readonly examples: readonly WrittenSeries[]
}

/** What PoPs recorded, read from JetStream for training. */
export class MinuteStore {
  readonly #connection: () => NatsConnection
  #unreadable = 0

  constructor(connection: () => NatsConnection) {
    this.#connection = connection
  }

  /** Messages that could not be read, and were left out, since the process started. */
  get unreadable(): number {
    return this.#unreadable
  }

  /** PoPs that have recorded minutes. */
  async pops(): Promise<string[]> {
    const filter = 'atlas.telemetry.*.minute'
    const counts = await this.#counts(MINUTES_STREAM, filter)
    return [...counts.keys()].map((subject) => subject.split('.')[2] ?? '').sort()
  }

  /** A PoP's total traffic as it was recorded; null where nothing was. @throws AtlasError `sync/unavailable` */
  async series(pop: string): Promise<TrafficSeries | null> {
    const recorder = new SeriesRecorder()
    await this.#read(MINUTES_STREAM, subjects.minute(pop), (data) => {
      const minute = JSON.parse(data) as RawMinute
      if (minute.kind === 'minute' && isUsable(minute)) recorder.take(minute)
    })
    return recorder.series(pop)
  }

  /** Every event of a PoP's alerts, in order. @throws AtlasError `sync/unavailable` */
  async alerts(pop: string): Promise<AlertMessage[]> {
    const alerts: AlertMessage[] = []
    await this.#read(STREAMS.audit, subjects.alert(pop), (data) => {
      const message = parseMessage(data)
      if (message.kind === 'alert') alerts.push(message)
    })
    return alerts
  }

  /** The windows around recorded incidents, of one PoP or of all. @throws AtlasError `sync/unavailable` */
  async examples(only?: string): Promise<IncidentExamples> {
    const examples: WrittenSeries[] = []
    for (const pop of await this.pops()) {
      if (only !== undefined && pop !== only) continue
      const windows = incidentWindows(await this.alerts(pop))
      const series = windows.length === 0 ? null : await this.series(pop)
      if (series === null) continue
      examples.push(...windowsOf(series, windows).map(writeSeries))
    }
    return { v: 1, kind: 'incident-examples', examples }
  }

  /** Wall time at which the oldest minute was stored; null where there is none. */
  async firstStoredMs(): Promise<number | null> {
    const { state } = await this.#manager(({ streams }) => streams.info(MINUTES_STREAM))
    return state.messages === 0 ? null : Date.parse(String(state.first_ts))
  }

  /** Messages that cannot be read are left out: one of them must not keep a PoP from being trained. */
  async #read(stream: string, subject: string, take: (data: string) => void): Promise<void> {
    const left = (await this.#counts(stream, subject)).get(subject) ?? 0
    if (left === 0) return
    const decoder = new TextDecoder()
    const consumer = await this.#connection()
      .jetstream({ timeout: TIMEOUT_MS })
      .consumers.get(stream, { filterSubjects: subject })
    let isWhole = false
    try {
      const messages = await consumer.consume({ max_messages: 500 })
      const silence = setTimeout(() => messages.stop(), SILENCE_MS)
      for await (const message of messages) {
        silence.refresh()
        try {
          take(decoder.decode(message.data))
        } catch {
          this.#unreadable += 1
        }
        isWhole = message.info.pending === 0
        if (isWhole) break
      }
      clearTimeout(silence)
    } finally {
      await consumer.delete().catch(() => undefined)
    }
    if (!isWhole) throw new AtlasError('sync/unavailable', `${stream} stopped answering`)
  }

  async #counts(stream: string, filter: string): Promise<Map<string, number>> {
    const { state } = await this.#manager(({ streams }) => streams.info(stream, { subjects_filter: filter }))
    return new Map(Object.entries(state.subjects ?? {}))
  }

  async #manager<T>(
    ask: (manager: Awaited<ReturnType<NatsConnection['jetstreamManager']>>) => Promise<T>,
  ): Promise<T> {
    const connection = this.#connection()
    try {
      return await ask(await connection.jetstreamManager({ timeout: TIMEOUT_MS }))
    } catch (cause) {
      throw new AtlasError('sync/unavailable', `JetStream did not answer: ${messageOf(cause)}`, { cause })
    }
  }
}
