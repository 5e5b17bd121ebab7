import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AtlasError } from '../../contract/errors.ts'
import { checkRegionName } from './region-delta.ts'

export const FEDERATED_HELP = `Trains in regions apart, and averages what they learnt: traffic stays where it is, only weights travel.

  npm run train -- region NAME FILE… [--base models] [--epochs 1] [--rate 0.001] [--seed 1] [--out NAME.safetensors]
  npm run train -- average DELTA… --out DIR [--base models]

  region       trains on from the base on FILEs (timestamp_utc,value: a count a step), and writes how far each weight moved
  average      adds the mean of the deltas, by windows, to the base: forecaster.onnx, forest.bin and manifest.json in DIR,
               and forecaster.fp32.onnx for the next round; put it with atlasctl model put DIR/forecaster.onnx
  --base DIR   the model that all begin with, as npm run train or average wrote it (default models/ of the repository)
  --epochs N   passes over the region's samples, 10,240 windows each at most (default 1)
  --rate R     learning rate, 0.000001 to 0.1 (default 0.001)`

const MODELS = fileURLToPath(new URL('../../models', import.meta.url))

export type FederatedOptions =
  | {
      readonly kind: 'region'
      readonly region: string
      readonly files: readonly string[]
      readonly base: string
      readonly epochs: number
      readonly learningRate: number
      readonly seed: number
      readonly out: string
    }
  | {
      readonly kind: 'average'
      readonly deltas: readonly string[]
      readonly base: string
      readonly out: string
    }

/**
 * Arguments after `region` or `average`; null when help is asked for.
 * @throws AtlasError `config/invalid` that names the flag; TypeError for an unknown one
 */
export function parseFederatedOptions(kind: 'region' | 'average', args: string[]): FederatedOptions | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      base: { type: 'string', default: MODELS },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
      epochs: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string' },
    },
  })
  if (values.help) return null
  const { base } = values
  if (kind === 'average') {
    if (values.out === undefined) throw invalid('average needs --out DIR, where the new model goes')
    const foreign = (['epochs', 'rate', 'seed'] as const).find((name) => values[name] !== undefined)
    if (foreign !== undefined) throw invalid(`--${foreign} is an option of region; average trains nothing`)
    if (positionals.length === 0) throw invalid('average needs the files that `train -- region` wrote')
    return { kind, deltas: positionals, base, out: values.out }
  }
  const [region, ...files] = positionals
  if (region === undefined || files.length === 0)
    throw invalid('region needs a name and at least one file: train -- region west traffic.csv')
  checkRegionName(region)
  return {
    kind,
    region,
    files,
    base,
    epochs: within('epochs', values.epochs ?? '1', 1, 1000, Number.isInteger),
    learningRate: within('rate', values.rate ?? '0.001', 1e-6, 0.1),
    seed: within('seed', values.seed ?? '1', 0, 0xffffffff, Number.isInteger),
    out: values.out ?? `${region}.safetensors`,
  }
}

function within(name: string, text: string, low: number, high: number, fits = Number.isFinite): number {
  const number = Number(text)
  if (fits(number) && number >= low && number <= high) return number
  const kind = fits === Number.isInteger ? 'a whole number' : 'a number'
  throw invalid(`--${name} must be ${kind} from ${low} to ${high}, but is ${text}`)
}

function invalid(message: string): AtlasError {
  return new AtlasError('config/invalid', message)
}
