import * as z from 'zod'
import { AtlasError } from '../errors.ts'
import { openSealed, sealText, type TrustedKeys } from '../signed-envelope.ts'
import type { AdaptationEntry } from './adaptation.ts'

/** The series of models that is released; one so far. */
export const FORECASTER = 'forecaster'
/** Stands for the model that is part of the Worker's bundle. */
export const BUNDLED = 'bundled'

/** A model: `bundled`, or the SHA-256 of its package. */
const modelRef = z.string().regex(/^(bundled|[0-9a-f]{64})$/, 'must be "bundled" or 64 hexadecimal digits')

const releaseSchema = z.strictObject({
  kind: z.literal('model-release'),
  series: z.string(),
  version: z.number().int().positive(),
  issuedAtMs: z.number(),
  /** The model that decides. */
  champion: modelRef,
  /** Runs beside the champion and is measured, but never decides. */
  challenger: modelRef.nullable(),
  /** After a promotion: the champion before, measured beside the new one until its probation is over. */
  former: modelRef.nullable(),
  /** What a rollback goes back to. */
  previous: modelRef.nullable(),
  action: z.enum(['shadow', 'unshadow', 'promote', 'rollback', 'confirm']),
  by: z.string().max(200),
  reason: z.string().max(500),
})

/** Which models a series runs, since when, by whom and why. Versions only go up; a rollback is a new version. */
export type Release = z.output<typeof releaseSchema>

/** What a forecaster runs: the model that answers, the one measured beside it, and regressions of the PoP's own series. */
export interface Lineup {
  readonly champion: string
  readonly rival: string | null
  readonly adapted?: readonly AdaptationEntry[]
}

export const BUNDLED_LINEUP: Lineup = { champion: BUNDLED, rival: null }

/** What runs beside the champion of a release, and as what. */
export function rivalOf({
  challenger,
  former,
}: Pick<Release, 'challenger' | 'former'>): { ref: string; role: 'challenger' | 'former' } | null {
  if (challenger !== null) return { ref: challenger, role: 'challenger' }
  return former === null ? null : { ref: former, role: 'former' }
}

/** Signs a release and returns the envelope's text. */
export function signRelease(release: Release, key: CryptoKey, keyId: string): Promise<string> {
  return sealText(JSON.stringify(release), key, keyId)
}

/** @throws AtlasError `model/syntax` when the text is not a release, `model/unsigned` when its signature is not right */
export async function openRelease(text: string, keys: TrustedKeys): Promise<Release> {
  const parsed = releaseSchema.safeParse(await openSealed(text, keys, 'model'))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AtlasError(
    'model/syntax',
    `signed payload is not a model release: ${issue?.path.join('.') || 'document'}: ${issue?.message}`,
  )
}
