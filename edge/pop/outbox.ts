import type { Draft } from '../../contract/messages.ts'
import type { OutboxQueue, OutboxRow } from './envelope.ts'

const MAX_ROWS = 50_000
const MAX_BYTES = 32_000_000
/** Rows that make room when the outbox is full: telemetry first, and what the PoP did last of all. */
const DROP_ORDER = ['second', 'minute', 'model', 'ack', 'decision'] as const
/** Room is made a little at a time, not with every row. */
const DROP_AT_ONCE = 100

/**
 * Everything the PoP says, in order, until the server has acknowledged it. Sequence numbers rise strictly, over
 * restarts and even over lost storage, because the first one is the wall clock's milliseconds at its making.
 * Bounded: the oldest telemetry makes room first, then minutes; acknowledgements and decisions go last.
 */
export class Outbox implements OutboxQueue {
  readonly #sql: SqlStorage
  readonly #maxRows: number
  readonly #maxBytes: number
  #rows: number
  #bytes: number
  #dropped = 0

  constructor(
    sql: SqlStorage,
    firstSeq: number,
    bounds: { maxRows: number; maxBytes: number } = { maxRows: MAX_ROWS, maxBytes: MAX_BYTES },
  ) {
    this.#sql = sql
    this.#maxRows = bounds.maxRows
    this.#maxBytes = bounds.maxBytes
    this.#seed(firstSeq)
    const sums = sql
      .exec<{ rows: number; bytes: number }>(
        'SELECT COUNT(*) AS rows, COALESCE(SUM(bytes), 0) AS bytes FROM outbox',
      )
      .one()
    this.#rows = sums.rows
    this.#bytes = sums.bytes
  }

  get rows(): number {
    return this.#rows
  }

  /** Rows dropped since this object started, because the outbox was full. */
  get dropped(): number {
    return this.#dropped
  }

  add(draft: Draft): void {
    const body = JSON.stringify(draft)
    this.#sql.exec('INSERT INTO outbox (kind, bytes, body) VALUES (?, ?, ?)', draft.kind, body.length, body)
    this.#rows++
    this.#bytes += body.length
    if (this.#rows > this.#maxRows || this.#bytes > this.#maxBytes) this.#makeRoom()
  }

  peek(limit: number): OutboxRow[] {
    return this.#sql
      .exec<{ seq: number; body: string }>('SELECT seq, body FROM outbox ORDER BY seq LIMIT ?', limit)
      .toArray()
      .map((row) => ({ seq: row.seq, draft: JSON.parse(row.body) as Draft }))
  }

  remove(seq: number): void {
    this.#forget(
      this.#sql.exec<{ bytes: number }>('DELETE FROM outbox WHERE seq = ? RETURNING bytes', seq).toArray(),
    )
  }

  #makeRoom(): void {
    for (const kind of DROP_ORDER) {
      while (this.#rows > this.#maxRows || this.#bytes > this.#maxBytes) {
        const most = Math.max(1, Math.min(DROP_AT_ONCE, Math.ceil(this.#maxRows / 100)))
        const gone = this.#sql
          .exec<{ bytes: number }>(
            `DELETE FROM outbox WHERE seq IN
              (SELECT seq FROM outbox WHERE kind = ? ORDER BY seq LIMIT ?) RETURNING bytes`,
            kind,
            most,
          )
          .toArray()
        if (gone.length === 0) break
        this.#forget(gone)
        this.#dropped += gone.length
      }
    }
  }

  #forget(gone: readonly { readonly bytes: number }[]): void {
    this.#rows -= gone.length
    for (const row of gone) this.#bytes -= row.bytes
  }

  /** Makes AUTOINCREMENT, which never hands out a number twice, begin at `firstSeq`. */
  #seed(firstSeq: number): void {
    const used = this.#sql
      .exec<{ value: string }>("SELECT value FROM state WHERE key = 'outboxSeeded'")
      .toArray()
    if (used.length > 0) return
    this.#sql.exec("INSERT INTO outbox (seq, kind, bytes, body) VALUES (?, 'seed', 0, '')", firstSeq)
    this.#sql.exec("DELETE FROM outbox WHERE kind = 'seed'")
    this.#sql.exec("INSERT INTO state VALUES ('outboxSeeded', ?)", String(firstSeq))
  }
}
