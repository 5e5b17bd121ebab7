/**
 * First line of a policy that `policy get` wrote: from it `policy push` knows which version a change was made from. An
 * old version bears no stamp that push would take: it says how to bring it back.
 */
export function stamp(name: string, version: number, current = version): string {
  const what = `# ATLAS policy "${name}", version ${version}`
  if (version === current) return `${what}. Push it back with: atlasctl policy push FILE\n`
  return `${what} (old; the current one is ${current}). Bring it back with: atlasctl policy rollback ${name} --to ${version}\n`
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
