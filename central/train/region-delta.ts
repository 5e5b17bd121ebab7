import * as z from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import { sha256Hex } from '../../contract/model/model-file.ts'
import type { Parameter } from './network.ts'
import { decodeSafetensors, encodeSafetensors, parseStrictly } from './safetensors.ts'

const FORMAT = 'atlas-region-delta-1'
const whole = z.string().regex(/^(0|[1-9]\d{0,14})$/, 'must be a whole number')
const decimal = z.string().regex(/^-?\d+(\.\d+)?(e-?\d+)?$/, 'must be a number')

/** All that a delta says beside its numbers. Strict: a field that is not here has no way out of a region. */
const aboutSchema = z.strictObject({
  format: z.literal(FORMAT),
  base: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  region: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be a name of a-z, 0-9 and -, at most 40 long'),
  windows: whole,
  seed: whole,
  epochs: whole,
  learningRate: decimal,
  loss: decimal,
})

/** What leaves a region: how far its training moved each weight, and how much traffic it saw; nothing of the traffic. */
export interface RegionDelta {
  /** `weightsHash` of the weights that the training began with. */
  readonly base: string
  readonly region: string
  /** Windows trained on. */
  readonly windows: number
  readonly seed: number
  readonly epochs: number
  readonly learningRate: number
  /** Mean pinball loss at the end, in the model's own unit. */
  readonly loss: number
  /** Trained less base, of each parameter. */
  readonly layers: readonly Parameter[]
}

/** @throws AtlasError `config/invalid` when a region cannot be called so */
export function checkRegionName(name: string): void {
  const parsed = aboutSchema.shape.region.safeParse(name)
  if (!parsed.success)
    throw new AtlasError(
      'config/invalid',
      `region ${JSON.stringify(name)} ${parsed.error.issues[0]?.message}`,
    )
}

/** SHA-256 of weights, by name, shape and value, whatever file they come from. */
export function weightsHash(parameters: readonly Parameter[]): Promise<string> {
  return sha256Hex(encodeSafetensors(parameters))
}

/**
 * A delta as a safetensors file of its layers, what it says beside them as the metadata.
 * @throws AtlasError `config/invalid` for a region's name that is none
 */
export function encodeDelta({ layers, ...about }: RegionDelta): Uint8Array<ArrayBuffer> {
  checkRegionName(about.region)
  const text = Object.entries(about).map(([name, value]) => [name, String(value)])
  return encodeSafetensors(layers, { format: FORMAT, ...Object.fromEntries(text) })
}

/**
 * Reads a delta, strictly: nothing beside the fields above and the layers. Whether the layers are those of a model is for
 * `averageDeltas` to say.
 * @throws AtlasError `model/unreadable` with the reason
 */
export function decodeDelta(bytes: Uint8Array): RegionDelta {
  const { metadata, tensors } = decodeSafetensors(bytes)
  const about = parseStrictly(aboutSchema, metadata, '__metadata__')
  return {
    base: about.base,
    region: about.region,
    windows: Number(about.windows),
    seed: Number(about.seed),
    epochs: Number(about.epochs),
    learningRate: Number(about.learningRate),
    loss: Number(about.loss),
    layers: tensors,
  }
}
