/** One line a fact, as logfmt, so that it can be read and searched. Values never hold secrets. */
export type Log = (event: string, facts?: Readonly<Record<string, string | number | null>>) => void

export function createLog(write: (line: string) => void): Log {
  return (event, facts = {}) => {
    const pairs = Object.entries(facts).map(([key, value]) => ` ${key}=${textOf(value)}`)
    write(`central: ${event}${pairs.join('')}\n`)
  }
}

/** What comes from outside is quoted when it is not plain: a line break must not make another line. */
function textOf(value: string | number | null): string {
  const text = String(value)
  return /^[\w.:/@-]+$/.test(text) ? text : JSON.stringify(text)
}
