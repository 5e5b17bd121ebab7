import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { flashSale, type Plan, peakRps, requireRunnable } from './plan.ts'
import { parseTrace, tracePlan } from './trace.ts'

export interface ReplayOptions {
  readonly plan: Plan
  /** Trace seconds a wall second. */
  readonly speed: number
  /** The trace's requests a second for one that is really sent. */
  readonly divisor: number
  readonly seed: number
  readonly outDir: string
  readonly tickMs: number
}

export const USAGE = `npm run replay -- flash-sale                     a flash sale: 500 RPS, a surge to 8,000, a crash, back to 600
npm run replay -- FILE.csv                       a trace: timestamp_utc,value (requests per step)

  --speed N           trace seconds a second (default 60)
  --rate-divisor N    send one request for N of the trace's (default: so that 800 a second are sent at the peak)
  --minutes N         length of a trace's stretch, the first 60 to fill the history (120)
  --from N            its first minute (default: the stretch that rises most)
  --peak N            the peak that the trace's rates are scaled to (8000)
  --seed N            of the arrivals and of the requests drawn (1)
  --out DIR           where report and plot go (out)
`

const PEAK_SENT_RPS = 800

/** @returns null when only help was asked for. @throws AtlasError `config/invalid` that names what is wrong */
export function parseReplay(args: readonly string[]): ReplayOptions | null {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (cause) {
    throw new AtlasError('config/invalid', `${messageOf(cause).split('. ')[0]}\n\n${USAGE}`, { cause })
  }
  const { values, positionals } = parsed
  if (values.help) return null
  const [what, ...more] = positionals
  if (what === undefined || more.length > 0)
    throw new AtlasError('config/invalid', `name one scenario or trace to replay\n\n${USAGE}`)
  const number = (flag: keyof typeof values, fallback: number, min: number, max: number): number => {
    const text = values[flag]
    const value = text === undefined ? fallback : Number(text)
    if (value >= min && value <= max) return value
    throw new AtlasError(
      'config/invalid',
      `--${flag} must be ${min} to ${max}, but is ${JSON.stringify(text)}`,
    )
  }
  const plan = requireRunnable(
    what === 'flash-sale'
      ? flashSale()
      : tracePlan(readTrace(what), {
          name: basename(what, '.csv'),
          minutes: number('minutes', 120, 61, 10_000),
          peakRps: number('peak', 8000, 1, 1e6),
          ...(values.from === undefined ? {} : { fromMinute: number('from', 0, 0, 1e7) }),
        }),
  )
  return {
    plan,
    speed: number('speed', 60, 1, 600),
    divisor: number('rate-divisor', peakRps(plan) / PEAK_SENT_RPS, 0.001, 1e6),
    seed: number('seed', 1, 0, 2 ** 32 - 2),
    outDir: values.out,
    tickMs: 200,
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      speed: { type: 'string' },
      'rate-divisor': { type: 'string' },
      minutes: { type: 'string' },
      from: { type: 'string' },
      peak: { type: 'string' },
      seed: { type: 'string' },
      out: { type: 'string', default: 'out' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}

function readTrace(file: string) {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AtlasError(
      'config/invalid',
      `"${file}" is neither a scenario (flash-sale) nor a file that can be read`,
      { cause },
    )
  }
  return parseTrace(text, basename(file))
}
