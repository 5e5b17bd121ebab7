import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AtlasError } from '../../contract/errors.ts'

export const HELP = `Trains the forecaster and the anomaly forest, measures them, and writes models/.

  npm run train -- [--seed 1] [--epochs 30] [--out models] [--quick]
  npm run train -- --on FILE [--seed 1] [--out DIR]
  npm run train -- region NAME FILE… | average DELTA…   trains regions apart and averages them (region --help)
  npm run train -- --forest [--seed 1] [--out DIR]

  --seed N     seed of everything random; the same seed gives the same files on the same machine (default 1)
  --epochs N   passes of 10,240 windows (default 30; about 7 s each on one free core)
  --examples FILE
               recorded incidents (atlasctl incident examples > FILE) to train on too; may be given several times
  --out DIR    where forecaster.onnx, forest.bin and manifest.json go (default models/ of the repository)
  --on FILE    leaves the models as they are, and fits a series of its own (timestamp_utc,value: a count a step) its regressions
               beside the shipped forecaster: adapted-NAME.json in --out (default: the working folder)
  --forest     trains the anomaly forest alone; the forecaster in --out and what its manifest says of it stay
  --quick      one epoch on little generated traffic, two traces measured: tries the whole way, the models are poor

Recorded traces are read from $ATLAS_DATA or ../shared/data; without them it trains on generated traffic alone.`

const MODELS = fileURLToPath(new URL('../../models', import.meta.url))

export interface TrainOptions {
  readonly seed: number
  readonly epochs: number
  /** Files of recorded incidents. */
  readonly examples: readonly string[]
  readonly out: string
  readonly quick: boolean
  /** A trace to adapt to, instead of training. */
  readonly on?: string
  /** The anomaly forest alone. */
  readonly forest: boolean
}

/**
 * Null when help is asked for.
 * @throws AtlasError `config/invalid` that names the flag; TypeError for an unknown one
 */
export function parseTrainOptions(args: string[]): TrainOptions | null {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      epochs: { type: 'string' },
      examples: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      on: { type: 'string' },
      quick: { type: 'boolean', default: false },
      forest: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return null
  const whole = (name: string, text: string, low: number): number => {
    const number = Number(text)
    if (Number.isInteger(number) && number >= low && number <= 0xffffffff) return number
    throw new AtlasError('config/invalid', `--${name} must be a whole number from ${low}, but is ${text}`)
  }
  return {
    seed: whole('seed', values.seed, 0),
    epochs: whole('epochs', values.epochs ?? (values.quick ? '1' : '30'), 1),
    examples: values.examples,
    out: values.out ?? (values.on === undefined ? MODELS : process.cwd()),
    quick: values.quick,
    forest: values.forest,
    ...(values.on !== undefined && { on: values.on }),
  }
}
