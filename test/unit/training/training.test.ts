import { describe, expect, it } from 'vitest'
import { heldBackRatio } from '../../../central/registry/adaptations.ts'
import type { FittedAdaptation, TrainingJob, TrainingResult } from '../../../central/training/job.ts'
import { Training } from '../../../central/training/training.ts'
import type { TrainingCall, TrainingState } from '../../../central/training/training-state.ts'
import { AtlasError } from '../../../contract/errors.ts'
import type { Adaptation } from '../../../contract/model/adaptation.ts'
import { sayingAlways } from '../../support/adaptations.ts'
import { habitual } from '../../support/traffic.ts'

const BESIDE = 'b'.repeat(64)
/** A new reference. */
const NEW = 'd'.repeat(64)
const CALL: TrainingCall = {
  trigger: 'demand',
  by: 'boss',
  reason: 'a try',
  pops: null,
  global: false,
  epochs: 1,
  quick: true,
}

/** An adaptation whose held-back error is so many times that without. */
function fitted(pop: string, ratio: number, beside = BESIDE): FittedAdaptation {
  const sums = { count: 10, actual: 100, adapted: 10 * ratio, unadapted: 10 }
  const heldBack = { in5: sums, in15: sums, in60: { count: 0, actual: 0, adapted: 0, unadapted: 0 } }
  const times = { fromMs: 0, splitMs: 8, toMs: 10 }
  return { pop, beside, fitted: { ...times, heldBack, file: 'adapted.json' }, reason: null }
}

/** PoPs with so many recorded minutes; the process answers what the test tells it to. */
function scene(
  minutes: Readonly<Record<string, number>>,
  shadow: () => Promise<unknown> = async () => ({}),
  put: () => Promise<unknown> = async () => ({ hash: 'c'.repeat(64) }),
) {
  const jobs: TrainingJob[] = []
  const published: { pop: string; fresh: readonly Adaptation[]; reason: string }[] = []
  const written: TrainingState[] = []
  const ends: { finish: (result: TrainingResult) => void; fail: (why: string) => void; removed: boolean }[] =
    []
  const training = new Training({
    minutes: {
      pops: async () => Object.keys(minutes),
      series: async (pop) => (minutes[pop] ? habitual(minutes[pop]) : null),
      alerts: async () => [],
    },
    adaptations: {
      references: async () => [{ ref: 'bundled', beside: BESIDE, model: new Uint8Array() }],
      publish: async (pop, fresh, { reason }) => {
        if (pop === 'lost1') throw new AtlasError('model/conflict', 'changed by somebody else')
        published.push({ pop, fresh, reason })
        return { version: 4 } as never
      },
    },
    registry: { put: put as never, shadow: shadow as never },
    start: (job, _, report) => {
      jobs.push(job)
      report('it fits')
      const { promise, resolve, reject } = Promise.withResolvers<TrainingResult>()
      const fail = (why: string) => reject(new AtlasError('setup/failed', why))
      const end = { finish: resolve, fail, removed: false }
      ends.push(end)
      const file = (name: string) =>
        new Uint8Array(new TextEncoder().encode(name === 'torn' ? '{' : JSON.stringify(sayingAlways(1))))
      return {
        done: promise.then((result) => ({ result, file })),
        kill: () => fail('ended by SIGKILL'),
        remove: () => {
          end.removed = true
        },
      }
    },
    write: async (state) => void written.push(state),
    onChange: () => undefined,
    wallMs: () => 5,
  })
  /** Until the process runs, or the training is over. */
  const settled = async (test: () => boolean) => {
    for (let turn = 0; turn < 1000 && !test(); turn++) await Promise.resolve()
    expect(test()).toBe(true)
  }
  const begin = async (call: Partial<TrainingCall> = {}) => {
    training.start({ ...CALL, ...call })
    await settled(() => ends.length > 0 || !training.isRunning)
    return ends.at(-1)
  }
  const over = () => settled(() => !training.isRunning)
  return { training, jobs, published, written, begin, over }
}

describe('a training', () => {
  it('publishes what was better on the minutes held back, and says why it did not publish the rest', async () => {
    const { training, jobs, published, written, begin, over } = scene({ fra1: 1_200, lax1: 1_200, new1: 50 })
    const process = await begin()
    expect(jobs[0]?.adaptations.map(({ pop }) => pop)).toEqual(['fra1', 'lax1'])
    process?.finish({ adaptations: [fitted('fra1', 0.8), fitted('lax1', 1.01)], global: null })
    await over()
    expect(published.map(({ pop, reason }) => [pop, reason])).toEqual([['fra1', 'training by demand: a try']])
    expect(published[0]?.fresh).toMatchObject([{ pop: 'fra1', series: 'total', beside: BESIDE }])
    expect(training.state).toMatchObject({ state: 'done', error: null })
    expect(training.state?.adaptations).toMatchObject([
      { pop: 'new1', version: null, reason: 'only 50 minutes are recorded; 1000 are needed' },
      { pop: 'fra1', version: 4, reason: '' },
      { pop: 'lax1', version: null, reason: expect.stringContaining('not better') },
    ])
    expect(training.state?.adaptations[1]?.ratio).toBeCloseTo(0.8)
    expect(written).toEqual([training.state])
    expect(process?.removed).toBe(true)
  })

  it('goes on with the next PoP when one cannot be published', async () => {
    const { training, published, begin, over } = scene({ lost1: 1_200, lax1: 1_200 })
    const process = await begin()
    process?.finish({ adaptations: [fitted('lost1', 0.8), fitted('lax1', 0.9)], global: null })
    await over()
    expect(training.state).toMatchObject({ state: 'done', error: null })
    expect(training.state?.adaptations).toMatchObject([
      { pop: 'lost1', version: null, reason: 'changed by somebody else' },
      { pop: 'lax1', version: 4, reason: '' },
    ])
    expect(published.map(({ pop }) => pop)).toEqual(['lax1'])
  })

  it('goes on with the next PoP when the regressions of one are no numbers', async () => {
    const { training, published, begin, over } = scene({ bad1: 1_200, lax1: 1_200 })
    const bad = fitted('bad1', 0.8)
    const process = await begin()
    const torn = { ...bad, fitted: bad.fitted && { ...bad.fitted, file: 'torn' } } as FittedAdaptation
    process?.finish({ adaptations: [torn, fitted('lax1', 0.9)], global: null })
    await over()
    expect(training.state).toMatchObject({ state: 'done', error: null })
    expect(training.state?.adaptations).toMatchObject([
      { pop: 'bad1', version: null, reason: expect.stringContaining('JSON') },
      { pop: 'lax1', version: 4 },
    ])
    expect(published.map(({ pop }) => pop)).toEqual(['lax1'])
  })

  it('says so when nothing is recorded at all', async () => {
    const { training, begin } = scene({})
    await begin()
    expect(training.state).toMatchObject({ state: 'done', lines: ['no PoP has recorded minutes yet'] })
  })

  it('runs alone; a failure is told with its reason, and the next one may begin', async () => {
    const { training, written, begin, over } = scene({ fra1: 1_200 })
    const process = await begin()
    expect(() => training.start(CALL)).toThrow(/a training runs already/)
    process?.fail('out of memory')
    await over()
    expect(training.state).toMatchObject({ state: 'failed', error: 'out of memory' })
    expect(written).toHaveLength(1)
    await begin()
    expect(training.isRunning).toBe(true)
  })

  it('that is cancelled publishes nothing; one that central’s end stops is not written down, so that it is made anew', async () => {
    const { training, published, written, begin, over } = scene({ fra1: 1_200 })
    expect(() => training.cancel('boss')).toThrow(/no training runs/)
    await begin()
    training.cancel('boss')
    await over()
    expect(training.state).toMatchObject({ state: 'cancelled', error: null })
    await begin()
    await training.stop()
    await over()
    expect(published).toEqual([])
    expect(written).toHaveLength(1)
    expect(() => training.start(CALL)).toThrow(/runs already/)
  })

  it('puts a new reference into shadow, and leaves it stored where a probation forbids that', async () => {
    const files = { model: 'm', fp32: 'f', manifest: 'x', sha256: NEW }
    const good = scene({ fra1: 1_200 })
    const process = await good.begin({ global: true })
    expect(good.jobs[0]?.global?.recorded).toHaveLength(1)
    process?.finish({ adaptations: [], global: files })
    await good.over()
    expect(good.training.state?.model).toMatchObject({ inShadow: true })
    const held = scene({ fra1: 1_200 }, async () => {
      throw new AtlasError('model/conflict', 'the champion is on probation')
    })
    const other = await held.begin({ global: true })
    other?.finish({ adaptations: [], global: files })
    await held.over()
    expect(held.training.state).toMatchObject({
      state: 'done',
      model: { inShadow: false, reason: 'the champion is on probation' },
    })
  })

  it('publishes regressions beside a new reference too, but not beside one that the registry refuses', async () => {
    const files = { model: 'm', fp32: 'f', manifest: 'x', sha256: NEW }
    const adaptations = [fitted('fra1', 0.8), fitted('fra1', 0.9, NEW)]
    const good = scene({ fra1: 1_200 })
    const process = await good.begin({ global: true })
    process?.finish({ adaptations, global: files })
    await good.over()
    expect(good.published[0]?.fresh.map(({ beside }) => beside)).toEqual([BESIDE, NEW])
    const slow = async () => {
      throw new AtlasError('model/slow', 'takes 9 ms a window')
    }
    const refused = scene({ fra1: 1_200 }, undefined, slow)
    const other = await refused.begin({ global: true })
    other?.finish({ adaptations, global: files })
    await refused.over()
    expect(refused.published[0]?.fresh.map(({ beside }) => beside)).toEqual([BESIDE])
    expect(refused.training.state).toMatchObject({
      state: 'failed',
      error: 'takes 9 ms a window',
      model: null,
    })
  })
})

it('the held-back ratio is the mean over the horizons that were measured', () => {
  const sums = (adapted: number, unadapted: number) => ({ count: 1, actual: 1, adapted, unadapted })
  expect(heldBackRatio({ in5: sums(1, 2), in15: sums(3, 2), in60: sums(0, 0) })).toBe(1)
  expect(heldBackRatio({ in5: sums(0, 0), in15: sums(0, 0), in60: sums(0, 0) })).toBeNull()
})
