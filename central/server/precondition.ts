import { AtlasError } from '../../contract/errors.ts'
import type { Expected } from '../policy/policy-store.ts'

/** A change that names no version it was made from (RFC 6585 section 3). */
export class PreconditionRequired extends Error {
  override readonly name = 'PreconditionRequired'
}

/**
 * What a PUT expects, by its headers (RFC 9110 section 13.1). A change of a policy that exists must say `If-Match:
 * "<version>"`; making one needs nothing, or `If-None-Match: *`. A dry run without headers is made against what is there.
 * @throws PreconditionRequired when the policy exists and no version is named; AtlasError `message/invalid`
 */
export function expectedOf(headers: Headers, current: number | null, dryRun: boolean): Expected {
  const match = headers.get('if-match')?.trim()
  if (match !== undefined && match !== '*') {
    const version = /^"?([1-9]\d{0,8})"?$/.exec(match)?.[1]
    if (version !== undefined) return { kind: 'version', version: Number(version) }
    throw new AtlasError(
      'message/invalid',
      `If-Match must be one version, like "3", but is ${JSON.stringify(match)}`,
    )
  }
  if (headers.get('if-none-match')?.trim() === '*') return { kind: 'absent' }
  if (current === null) return { kind: 'absent' }
  if (dryRun && match === undefined) return { kind: 'version', version: current }
  throw new PreconditionRequired(
    `the policy is at version ${current}; send If-Match: "${current}" to say that your change was made from it`,
  )
}
