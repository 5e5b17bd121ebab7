import { FORECASTER_SHAPE, initialParameters } from '../../../central/train/network.ts'
import { type Batch, Trainer } from '../../../central/train/trainer.ts'
import { QUANTILE_LEVELS } from '../../../contract/model/series.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { type BenchOptions, fromRounds, interleave, type Result, ratios } from '../harness.ts'
import { startTorch, type TorchTrainer } from '../peers/torch.ts'

const BATCH = 64
const STEPS = 10
const RATE = 0.001
const LEVELS = Array.from({ length: FORECASTER_SHAPE.outputs }, (_, at) => QUANTILE_LEVELS[at % 3] ?? 0.5)

/** Windows a second of the training step (forward, back through 60 steps, clipping, Adam) on one thread, beside PyTorch's. */
export default async function* train({ quick, log }: BenchOptions): AsyncIterable<Result> {
  const random = seededRandom(7)
  const parameters = initialParameters(FORECASTER_SHAPE, random)
  const batch = randomBatch(() => random.next() * 2 - 1)
  const { features, lookback, outputs } = FORECASTER_SHAPE
  const trainer = await Trainer.create(
    { shape: FORECASTER_SHAPE, batch: BATCH, levels: LEVELS, clipNorm: 1 },
    parameters,
  )
  const torch = await startTorch([
    ...parameters,
    { name: 'x', dims: [lookback * BATCH, features], values: batch.x },
    { name: 'lags', dims: [BATCH, lookback + 1], values: batch.lags },
    { name: 'y', dims: [BATCH, outputs], values: batch.y },
    { name: 'weight', dims: [BATCH, outputs], values: batch.weight },
    { name: 'levels', dims: [1, outputs], values: Float32Array.from(LEVELS) },
  ])
  if (torch === null) log('PyTorch is not installed; left out')
  try {
    await agree(trainer, batch, torch)
    const ours = async () => {
      const began = performance.now()
      for (let step = 0; step < STEPS; step++) await trainer.step(batch, RATE)
      return (1000 * STEPS * BATCH) / (performance.now() - began)
    }
    const rounds = quick ? 7 : 21
    const contenders: Record<string, () => Promise<number>> = { ours }
    if (torch !== null) contenders.torch = () => torch.run(STEPS)
    const { ours: own = [], torch: theirs } = await interleave(contenders, rounds, () => {})
    log(`${rounds} rounds of ${STEPS} steps`)
    yield fromRounds('train.windows_per_s', 'windows/s', own)
    if (theirs === undefined) return
    yield fromRounds('train.windows_per_s.torch', 'windows/s', theirs)
    yield fromRounds('train.ratio_vs_torch', 'ratio', ratios(own, theirs))
  } finally {
    await trainer.release()
    await torch?.stop()
  }
}

/** A figure of two programs that compute different things compares nothing. */
async function agree(trainer: Trainer, batch: Batch, torch: TorchTrainer | null): Promise<void> {
  const losses: number[] = []
  for (let step = 0; step < 3; step++) losses.push((await trainer.step(batch, RATE)).loss)
  const apart = losses.map((loss, step) => Math.abs(loss - (torch?.losses[step] ?? loss)))
  if (apart.some((difference) => !(difference < 1e-4)))
    throw new Error(
      `the trainers disagree: losses ${losses.join(', ')} and PyTorch's ${torch?.losses.join(', ')}`,
    )
}

function randomBatch(value: () => number): Batch {
  const { features, lookback, outputs } = FORECASTER_SHAPE
  const floats = (size: number) => Float32Array.from({ length: size }, value)
  return {
    x: floats(lookback * BATCH * features),
    lags: floats(BATCH * (lookback + 1)),
    y: floats(BATCH * outputs),
    weight: new Float32Array(BATCH * outputs).fill(1),
  }
}
