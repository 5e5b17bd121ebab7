/** First line of a policy that `policy get` wrote: from it `policy push` knows which version a change was made from. */
export function stamp(name: string, version: number): string {
  return `# ATLAS policy "${name}", version ${version}. Push it back with: atlasctl policy push FILE\n`
}

export interface Stamp {
  readonly name: string
  readonly version: number
}

/** The stamp of a policy file, or null when it has none. */
export function readStamp(text: string): Stamp | null {
  const match = /^# ATLAS policy "([A-Za-z0-9_-]{1,64})", version ([1-9]\d{0,8})\./.exec(text)
  return match?.[1] && match[2] ? { name: match[1], version: Number(match[2]) } : null
}
