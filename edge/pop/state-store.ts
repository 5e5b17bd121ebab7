/** Small named JSON values that outlive the object. */
export class StateStore {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Undefined when nothing was put, or what stands there cannot be read. */
  get<T>(key: string): T | undefined {
    const row = this.#sql.exec<{ value: string }>('SELECT value FROM state WHERE key = ?', key).toArray()[0]
    if (row === undefined) return undefined
    try {
      return JSON.parse(row.value) as T
    } catch {
      return undefined
    }
  }

  put(key: string, value: unknown): void {
    this.#sql.exec(
      'INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      key,
      JSON.stringify(value),
    )
  }
}
