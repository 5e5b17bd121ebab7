/** Lines a second that an outage may write; the rest is counted. */
const LINES_PER_SECOND = 5

export interface Incident {
  readonly id: string
  readonly module: string
  readonly target: string
  readonly detail: string
}

/** Writes incidents to the log, a few a second: an origin that is down at a thousand requests a second must not fill a disk. */
export class IncidentLog {
  readonly #write: (line: string) => void
  #secondMs = Number.NEGATIVE_INFINITY
  #lines = 0
  #left = 0

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  add({ id, module, target, detail }: Incident, wallMs: number): void {
    const sinceMs = wallMs - this.#secondMs
    if (sinceMs >= 1000 || sinceMs < 0) {
      if (this.#left > 0) this.#write(`atlas: ${this.#left} more incidents of that second are not listed`)
      this.#secondMs = wallMs
      this.#lines = 0
      this.#left = 0
    }
    if (this.#lines === LINES_PER_SECOND) {
      this.#left++
      return
    }
    this.#lines++
    const at = new Date(wallMs).toISOString()
    this.#write(`atlas: ${at} incident ${id}: module ${module}, ${target}: ${detail}`)
  }
}
