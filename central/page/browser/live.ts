/** One server-sent event. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/** Central asks for a token, or refuses the one it got. */
export class TokenNeeded extends Error {
  override readonly name = 'TokenNeeded'
}

/**
 * Reads a stream of server-sent events until it ends. By fetch and not EventSource, because a token belongs into a header,
 * never into an address.
 * @throws TokenNeeded, or an Error when the stream cannot be opened, breaks or falls silent
 */
export async function readEvents(
  url: string,
  token: string | null,
  silentMs: number,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), silentMs)
  try {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(url, { headers, signal: silence.signal, cache: 'no-store' })
    if (response.status === 401 || response.status === 403)
      throw new TokenNeeded(`answered ${response.status}`)
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`)
    const parser = new EventParser(onEvent)
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), silentMs)
      parser.push(value)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Cuts the text of an event stream into events (HTML standard, section 9.2.6; the fields central sends). */
export class EventParser {
  readonly #onEvent: (event: ServerEvent) => void
  #rest = ''

  constructor(onEvent: (event: ServerEvent) => void) {
    this.#onEvent = onEvent
  }

  push(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.#emit(block.split('\n'))
  }

  #emit(lines: readonly string[]): void {
    const field = (name: string) =>
      lines
        .filter((line) => line.startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).trimStart())
    const data = field('data')
    if (data.length > 0) this.#onEvent({ event: field('event')[0] ?? 'message', data: data.join('\n') })
  }
}
