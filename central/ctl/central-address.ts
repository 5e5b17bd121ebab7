import { UsageError } from './command.ts'

/** File in the state directory of `npm start` that holds the address of the central it started. */
export const ADDRESS_FILE = 'central.url'

/** Where the address may be told; null where it is not. */
export interface AddressSources {
  /** --url */
  readonly flag: string | null
  /** ATLAS_CENTRAL_URL */
  readonly variable: string | null
  /** Whether --state-dir names the directory that `kept` is of. */
  readonly isStateNamed: boolean
  /** Content of `central.url` in the state directory. */
  readonly kept: string | null
}

/**
 * Central's address: what is named on the command line (--url, else the one kept in --state-dir), else the
 * environment's, else the one kept in the default state directory, else npm start's default.
 * @throws UsageError when it is not an http(s) address
 */
export function centralAddress({ flag, variable, isStateNamed, kept }: AddressSources): string {
  const told = kept?.trim() || null
  const [url, source] =
    flag !== null
      ? [flag, '--url']
      : isStateNamed && told !== null
        ? [told, ADDRESS_FILE]
        : variable !== null
          ? [variable, 'ATLAS_CENTRAL_URL']
          : [told ?? 'http://127.0.0.1:7070', ADDRESS_FILE]
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url
  throw new UsageError(`${source} must be an http:// or https:// address, but is ${JSON.stringify(url)}`)
}
