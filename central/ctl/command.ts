import type { Api } from './api.ts'

/** What a command gets to work with. */
export interface Invocation {
  readonly api: Api
  readonly args: readonly string[]
  readonly flags: Flags
  readonly print: (text: string) => void
  readonly readFile: (path: string) => string
  readonly readBytes: (path: string) => Uint8Array<ArrayBuffer>
  readonly sleep: (ms: number) => Promise<void>
}

export interface Flags {
  readonly json: boolean
  readonly name: string
  readonly pop: string | null
  readonly version: string | null
  readonly to: string | null
  readonly dryRun: boolean
  readonly waitMs: number
  readonly force: boolean
  readonly reason: string | null
  readonly manifest: string | null
  readonly fp32: string | null
  readonly file: string | null
  readonly global: boolean
  readonly quick: boolean
  readonly open: boolean
  readonly limit: string | null
}

export interface Command {
  /** Words that call it: `policy push`. */
  readonly words: string
  readonly usage: string
  readonly about: string
  readonly run: (invocation: Invocation) => Promise<void>
}

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Prints an answer as it came (`--json`), or in words. */
export function answer<T>(invocation: Invocation, value: T, words: (value: T) => string): void {
  invocation.print(invocation.flags.json ? `${JSON.stringify(value, null, 2)}\n` : words(value))
}

/** @throws UsageError when there is more than was asked for */
export function atMost(invocation: Invocation, count: number): void {
  const extra = invocation.args[count]
  if (extra !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(extra)}`)
}

/** A flag that must be a whole number from 1. @throws UsageError that names the flag */
export function versionOf(text: string, flag = '--version'): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`${flag} must be a whole number from 1, but is ${JSON.stringify(text)}`)
}
