/** Rows stay well below SQLite's 2 MB of a Durable Object. */
const PART_BYTES = 512 * 1024
/** Packages kept beside those in use, for a rollback without a download. */
const SPARE = 2

/** Model packages, or adaptations, in a Durable Object's SQLite, by hash. Only what was checked is put here. */
export class ModelShelf {
  readonly #sql: SqlStorage
  readonly #table: string

  constructor(sql: SqlStorage, table: 'model_parts' | 'adaptation_parts' = 'model_parts') {
    this.#sql = sql
    this.#table = table
    sql.exec(`CREATE TABLE IF NOT EXISTS ${table} (
      hash TEXT NOT NULL, part INTEGER NOT NULL, put_order INTEGER NOT NULL, body BLOB NOT NULL,
      PRIMARY KEY (hash, part))`)
  }

  has(hash: string): boolean {
    return (
      this.#sql.exec(`SELECT 1 FROM ${this.#table} WHERE hash = ? AND part = 0`, hash).toArray().length > 0
    )
  }

  get(hash: string): Uint8Array<ArrayBuffer> | null {
    const parts = this.#sql
      .exec<{ body: ArrayBuffer }>(`SELECT body FROM ${this.#table} WHERE hash = ? ORDER BY part`, hash)
      .toArray()
    if (parts.length === 0) return null
    const bytes = new Uint8Array(parts.reduce((size, { body }) => size + body.byteLength, 0))
    let at = 0
    for (const { body } of parts) {
      bytes.set(new Uint8Array(body), at)
      at += body.byteLength
    }
    return bytes
  }

  put(hash: string, bytes: Uint8Array): void {
    const { next } = this.#sql
      .exec<{ next: number }>(`SELECT COALESCE(MAX(put_order), 0) + 1 AS next FROM ${this.#table}`)
      .one()
    for (let part = 0; part * PART_BYTES < bytes.length; part++) {
      const body = bytes.slice(part * PART_BYTES, (part + 1) * PART_BYTES).buffer
      this.#sql.exec(`INSERT OR REPLACE INTO ${this.#table} VALUES (?, ?, ?, ?)`, hash, part, next, body)
    }
  }

  /** Forgets packages that are not in use, but for the newest few. */
  tidy(inUse: readonly string[]): void {
    const idle = this.#sql
      .exec<{ hash: string }>(`SELECT hash FROM ${this.#table} WHERE part = 0 ORDER BY put_order DESC`)
      .toArray()
      .filter(({ hash }) => !inUse.includes(hash))
    for (const { hash } of idle.slice(SPARE))
      this.#sql.exec(`DELETE FROM ${this.#table} WHERE hash = ?`, hash)
  }
}
