import * as z from 'zod'
import { AtlasError } from '../errors.ts'
import { openSealed, sealText, type TrustedKeys } from '../signed-envelope.ts'
import { type Adapted, parseAdapted } from './adapted.ts'
import { sha256Hex } from './model-file.ts'

/** Largest adaptation that is taken; three horizons fitted to a month of minutes are about 1.1 MB. */
const MAX_ADAPTATION_BYTES = 8 * 1024 * 1024

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
const count = z.number().int().nonnegative()

/** Sums of |p50 − what came| of one horizon over samples that the fit had not seen: with the regressions, and without. */
const heldBackSchema = z.strictObject({
  count,
  actual: z.number().nonnegative(),
  adapted: z.number().nonnegative(),
  unadapted: z.number().nonnegative(),
})

const documentSchema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('adaptation'),
  pop: z.string(),
  series: z.string(),
  beside: sha256,
  /** Time of the series that the regressions saw, and that they were measured on; milliseconds UTC. */
  fromMs: z.number(),
  splitMs: z.number(),
  toMs: z.number(),
  heldBack: z.strictObject({ in5: heldBackSchema, in15: heldBackSchema, in60: heldBackSchema }),
  adapted: z.unknown(),
})

/** What an adaptation is of: one series of one PoP, beside one reference model. */
export interface AdaptationOf {
  readonly pop: string
  /** `total`, or a module's name. */
  readonly series: string
  /** SHA-256 of the reference's ONNX file: its misses are what was fitted, and mean nothing beside another. */
  readonly beside: string
}

/** A series' own regressions as the registry keeps them, with what they were fitted to and how they did. */
export type Adaptation = Omit<z.output<typeof documentSchema>, 'adapted'> & { readonly adapted: Adapted }
export type HeldBack = Adaptation['heldBack']

export function packAdaptation(adaptation: Adaptation): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(JSON.stringify(adaptation)))
}

/**
 * Reads an adaptation whose hash is yet to be told.
 * @throws AtlasError `model/unreadable`, with the reason
 */
export function readAdaptation(bytes: Uint8Array): Adaptation {
  if (bytes.length > MAX_ADAPTATION_BYTES)
    throw unreadable(`it has ${bytes.length} bytes; ${MAX_ADAPTATION_BYTES} is the most`)
  const parsed = documentSchema.safeParse(parseJson(bytes))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw unreadable(`${issue?.path.join('.') || 'document'}: ${issue?.message}`)
  }
  return { ...parsed.data, adapted: parseAdapted(parsed.data.adapted) }
}

/**
 * Opens an adaptation that should have this hash and be of this series.
 * @throws AtlasError `model/unreadable` when it is not whole or no adaptation, `model/shape` when it is of something else
 */
export async function openAdaptation(
  bytes: Uint8Array<ArrayBuffer>,
  hash: string,
  of: AdaptationOf,
): Promise<Adaptation> {
  const actual = await sha256Hex(bytes)
  if (actual !== hash)
    throw unreadable(
      `its sha256 is ${actual.slice(0, 12)}…, not ${hash.slice(0, 12)}… (${bytes.length} bytes)`,
    )
  const adaptation = readAdaptation(bytes)
  for (const key of ['pop', 'series', 'beside'] as const) {
    if (adaptation[key] === of[key]) continue
    const [is, should] = [adaptation[key], of[key]].map((text) => JSON.stringify(text.slice(0, 64)))
    throw new AtlasError('model/shape', `adaptation refused: ${key} is ${is}, not ${should}`)
  }
  return adaptation
}

const entrySchema = z.strictObject({
  series: z.string(),
  /** SHA-256 of the adaptation's bytes: its name in the object store. */
  hash: sha256,
  beside: sha256,
})

const releaseSchema = z.strictObject({
  kind: z.literal('adaptation-release'),
  pop: z.string(),
  version: z.number().int().positive(),
  issuedAtMs: z.number(),
  /** At most one for each series and reference; empty: the PoP is to go on without. */
  entries: z.array(entrySchema).max(16),
  by: z.string().max(200),
  reason: z.string().max(500),
})

export type AdaptationEntry = z.output<typeof entrySchema>

/** Which adaptations one PoP runs. Versions only go up. It stands apart from the release of models, which is for all PoPs. */
export type AdaptationRelease = z.output<typeof releaseSchema>

export function signAdaptationRelease(
  release: AdaptationRelease,
  key: CryptoKey,
  keyId: string,
): Promise<string> {
  return sealText(JSON.stringify(release), key, keyId)
}

/** @throws AtlasError `model/syntax` when the text is not such a release, `model/unsigned` when its signature is not right */
export async function openAdaptationRelease(text: string, keys: TrustedKeys): Promise<AdaptationRelease> {
  const parsed = releaseSchema.safeParse(await openSealed(text, keys, 'model'))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AtlasError(
    'model/syntax',
    `signed payload is not a release of adaptations: ${issue?.path.join('.') || 'document'}: ${issue?.message}`,
  )
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw unreadable('it is not whole JSON')
  }
}

function unreadable(why: string): AtlasError {
  return new AtlasError('model/unreadable', `adaptation refused: ${why}`)
}
