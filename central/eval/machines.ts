import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { AtlasError } from '../../contract/errors.ts'

/** Rows of measurements, row-major. */
export interface Rows {
  readonly width: number
  readonly count: number
  readonly values: Float32Array
}

/** Rows `first` to `last` (both inside) of the test part, and the features at fault there (0-based). */
export interface FaultNote {
  readonly first: number
  readonly last: number
  readonly features: readonly number[]
}

/** A machine of SMD (Su et al. 2019) or ASD (Li et al. 2021): a part to fit on, and a labelled part to test on. */
export interface Machine {
  /** `machine-1-6`, `omi-1`. */
  readonly name: string
  readonly train: Rows
  readonly test: Rows
  /** 1 = anomalous row. */
  readonly labels: Uint8Array
  readonly faults: readonly FaultNote[]
}

const SUITES = ['train/smd', 'train/asd', 'test/smd', 'test/asd']

/** Reads every machine of a data folder, in order of its name; none where there is none. */
export function readMachines(dataFolder: string): Machine[] {
  return SUITES.map((suite) => join(dataFolder, suite))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .map((file) => /^(.+)_test\.csv(\.gz)?$/.exec(file))
        .filter((match) => match !== null)
        .map(([, name = '', zip = '']) => readMachine(folder, name, zip)),
    )
}

function readMachine(folder: string, name: string, zip: string): Machine {
  const train = table(join(folder, `${name}_train.csv${zip}`))
  const labelled = table(join(folder, `${name}_test.csv${zip}`))
  const width = train.width
  if (labelled.width !== width + 1)
    throw new AtlasError(
      'config/invalid',
      `${name}: the test part must have one column more than the ${width} of the train part, but has ${labelled.width}`,
    )
  const values = new Float32Array(labelled.count * width)
  const labels = new Uint8Array(labelled.count)
  for (let row = 0; row < labelled.count; row++) {
    const from = row * labelled.width
    values.set(labelled.values.subarray(from, from + width), row * width)
    labels[row] = (labelled.values[from + width] ?? 0) > 0.5 ? 1 : 0
  }
  const notes = join(folder, `${name}_interpretation.txt`)
  const faults = existsSync(notes) ? parseFaults(readFileSync(notes, 'utf8')) : []
  return { name, train, test: { width, count: labelled.count, values }, labels, faults }
}

/** Lines `first-last:f,f,…`; features are counted from 1 there. */
export function parseFaults(text: string): FaultNote[] {
  return text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const match = /^(\d+)-(\d+):([\d,]+)/.exec(line.trim())
      if (match === null) return []
      const [, first, last, features = ''] = match
      return [
        {
          first: Number(first),
          last: Number(last),
          features: features.split(',').map((one) => Number(one) - 1),
        },
      ]
    })
}

function table(file: string): Rows {
  const bytes = readFileSync(file)
  const [head = '', ...lines] = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString()
    .trim()
    .split('\n')
  const width = head.split(',').length
  const values = new Float32Array(lines.length * width)
  lines.forEach((line, row) => {
    const cells = line.split(',')
    for (let column = 0; column < width; column++) {
      const value = Number.parseFloat(cells[column] ?? '')
      if (!Number.isFinite(value))
        throw new AtlasError('config/invalid', `${file}: line ${row + 2}, column ${column + 1}: not a number`)
      values[row * width + column] = value
    }
  })
  return { width, count: lines.length, values }
}
