import { AtlasError, type Fault, messageOf } from '../../contract/errors.ts'
import { openSignedPolicy, type PolicyDocument, type TrustedKeys } from '../../contract/signed-policy.ts'

/** What is to be done with a policy that was heard. */
export type Intake =
  | { readonly kind: 'apply'; readonly document: PolicyDocument }
  | { readonly kind: 'seen' }
  | {
      readonly kind: 'reject'
      readonly code: string
      readonly reason: string
      readonly faults: readonly Fault[]
      /** As far as the document says; 0 when it does not. */
      readonly version: number
      readonly issuedAtMs: number
    }

const MAX_FAULTS = 32

/**
 * Opens a signed policy and says whether it may replace the current one. Never throws: a policy that cannot be used is
 * rejected with its code, the reason and the faults' paths.
 */
export async function openPolicy(
  text: string,
  follows: { readonly name: string; readonly version: number; readonly keys: TrustedKeys },
): Promise<Intake> {
  try {
    const document = await openSignedPolicy(text, follows.keys)
    if (document.name !== follows.name) {
      const message = `this PoP follows policy "${follows.name}", but the document is "${document.name}"`
      throw new AtlasError('policy/invalid', message, { faults: [{ path: 'name', message }] })
    }
    if (document.version === follows.version) return { kind: 'seen' }
    if (document.version < follows.version) {
      throw new AtlasError(
        'policy/stale',
        `version ${document.version} is not above the current version ${follows.version}`,
      )
    }
    return { kind: 'apply', document }
  } catch (thrown) {
    return {
      kind: 'reject',
      code: thrown instanceof AtlasError ? thrown.code : 'policy/syntax',
      reason: messageOf(thrown),
      faults: thrown instanceof AtlasError ? thrown.faults.slice(0, MAX_FAULTS) : [],
      ...claimed(text),
    }
  }
}

/** What a document that may be unsigned says of itself: only to name it in a rejection. */
function claimed(text: string): { version: number; issuedAtMs: number } {
  let version: unknown
  let issuedAtMs: unknown
  try {
    const payload: unknown = JSON.parse(text).payload
    if (typeof payload === 'string') ({ version, issuedAtMs } = JSON.parse(payload))
  } catch {
    // says nothing of itself
  }
  return {
    version: Number.isSafeInteger(version) && Number(version) >= 0 ? Number(version) : 0,
    issuedAtMs: typeof issuedAtMs === 'number' && Number.isFinite(issuedAtMs) ? issuedAtMs : 0,
  }
}
