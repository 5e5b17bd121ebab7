/** The part of a stream that is used. */
export interface LineStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Prints a line each second; on a terminal, an idle line that says what the last one said takes its place. */
export class LinePrinter {
  readonly #out: LineStream
  #last: string | null = null

  constructor(out: LineStream) {
    this.#out = out
  }

  print(time: string, line: string, idle: boolean): void {
    const text = `${time} ${line}`
    if (!this.#out.isTTY) {
      this.#out.write(`${text}\n`)
      return
    }
    const inPlace = idle && line === this.#last && text.length < (this.#out.columns ?? 80)
    this.#out.write(inPlace ? `\x1b[1A\r\x1b[2K${text}\n` : `${text}\n`)
    this.#last = line
  }
}
