import { AtlasError } from '../../contract/errors.ts'
import type { ModelManifest } from '../../contract/model/manifest.ts'
import { seededRandom } from '../../contract/ports.ts'
import { ForecastSession } from './forecast-session.node.ts'
import { FORECASTER_SHAPE } from './network.ts'
import { type Source, WindowSampler } from './window-sampler.ts'

const WINDOWS = 512
/** In the model's own unit, where 1 is the series' level: beyond this the int8 form is another model. */
const LARGEST_ALLOWED = 0.1

/**
 * Runs both forms on the same windows of the fit data.
 * @throws AtlasError `model/unreadable` when they differ by more than a tenth of the level anywhere
 */
export async function compareForms(
  int8: Uint8Array,
  fp32: Uint8Array,
  sources: readonly Source[],
  seed: number,
): Promise<ModelManifest['forecaster']['quantisation']> {
  const windows = drawWindows(sources, seed)
  const [small, full] = await Promise.all([int8, fp32].map((model) => answersOf(model, windows)))
  if (small === undefined || full === undefined) throw new RangeError('two forms must be compared')
  let maxAbs = 0
  let sum = 0
  for (let index = 0; index < full.length; index++) {
    const difference = Math.abs((small[index] ?? Number.NaN) - (full[index] ?? Number.NaN))
    maxAbs = Math.max(maxAbs, difference)
    sum += difference
  }
  if (!(maxAbs <= LARGEST_ALLOWED))
    throw new AtlasError(
      'model/unreadable',
      `the int8 form differs from fp32 by ${Number(maxAbs.toPrecision(3))} of the level; at most ${LARGEST_ALLOWED} is allowed. Nothing was written; train on more and more varied windows, for fewer epochs, or from another base`,
    )
  const short = (value: number) => Number(value.toPrecision(3))
  return { windows: WINDOWS, maxAbs: short(maxAbs), meanAbs: short(sum / full.length) }
}

async function answersOf(model: Uint8Array, windows: readonly Float32Array[]): Promise<Float32Array> {
  const session = await ForecastSession.open(model)
  const answers = await session.run(windows)
  await session.release()
  return answers
}

/** Windows in the model's layout, from the sampler's time-major batch. */
function drawWindows(sources: readonly Source[], seed: number): Float32Array[] {
  const { features, lookback } = FORECASTER_SHAPE
  const { x } = new WindowSampler(sources, seededRandom(seed)).batch(WINDOWS)
  return Array.from({ length: WINDOWS }, (_, item) => {
    const window = new Float32Array(lookback * features)
    for (let step = 0; step < lookback; step++) {
      const at = (step * WINDOWS + item) * features
      window.set(x.subarray(at, at + features), step * features)
    }
    return window
  })
}
