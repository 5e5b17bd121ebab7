import { describe, expect, it } from 'vitest'
import { bestAdjustedF1, bestF1 } from '../../../central/eval/detection-score.ts'
import { scoreMachine, scorePlainly, suspectHits } from '../../../central/eval/machine-detection.ts'
import { type Machine, parseFaults, readMachines } from '../../../central/eval/machines.ts'
import { normal } from '../../../central/train/sampling.ts'
import { dataFolder } from '../../../central/train/traces.node.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 5

describe('best-threshold F1', () => {
  it('is 1 where scores order the rows as the labels do, and takes the best of all thresholds else', () => {
    expect(bestF1([0.1, 0.9, 0.2, 0.8], [0, 1, 0, 1])).toMatchObject({ f1: 1, threshold: 0.8 })
    // Above 0.5: 2 of 2 found with 1 false: P = 2/3, R = 1.
    expect(bestF1([0.9, 0.8, 0.5, 0.1], [1, 0, 1, 0])).toMatchObject({ f1: 0.8, precision: 2 / 3, recall: 1 })
  })

  it('cannot split rows with equal scores', () => {
    expect(bestF1([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0]).f1).toBeCloseTo(0.4)
  })

  it('with point adjustment one row finds its whole stretch', () => {
    const labels = [0, 1, 1, 1, 0, 0]
    const scores = [0.2, 0, 0.9, 0, 0.1, 0.3]
    expect(bestAdjustedF1(scores, labels).f1).toBe(1)
    expect(bestF1(scores, labels).f1).toBeLessThan(0.7)
  })
})

describe(`detection over many measures (seed ${SEED})`, () => {
  it('reads faults with features counted from 1', () => {
    expect(parseFaults('246-252:1,2,13\n653-658:20\n')).toEqual([
      { first: 246, last: 252, features: [0, 1, 12] },
      { first: 653, last: 658, features: [19] },
    ])
  })

  it('finds a fault in two of twelve noisy features that a plain forest drowns, and names them', () => {
    const machine = noisyMachine()
    const ours = scoreMachine(machine)
    expect(bestF1(ours.scores, machine.labels).f1).toBeGreaterThan(0.9)
    expect(bestF1(scorePlainly(machine), machine.labels).f1).toBeLessThan(0.7)
    expect(suspectHits(machine, ours)).toEqual({ faults: 1, first: 1, firstThree: 1, share: 1 })
  })

  const data = dataFolder()
  const small = (data === null ? [] : readMachines(data)).filter(({ name }) => name.startsWith('omi'))
  it.skipIf(small.length === 0)(
    `beats the plain forest on the recorded machines ${small.length > 0 ? '' : '(skipped: no data folder)'}`,
    { timeout: 60_000 },
    () => {
      for (const machine of small) {
        const ours = bestF1(scoreMachine(machine).scores, machine.labels).f1
        expect(ours, machine.name).toBeGreaterThan(bestF1(scorePlainly(machine), machine.labels).f1 + 0.1)
      }
    },
  )
})

function noisyMachine(): Machine {
  const random = seededRandom(SEED)
  const width = 12
  const noise = (count: number) => Float32Array.from({ length: count * width }, () => normal(random))
  const train = { width, count: 4000, values: noise(4000) }
  const test = { width, count: 1000, values: noise(1000) }
  const labels = new Uint8Array(1000).fill(1, 600, 640)
  for (let row = 600; row < 640; row++) for (const feature of [3, 7]) test.values[row * width + feature] = 5
  return { name: 'noisy', train, test, labels, faults: [{ first: 600, last: 639, features: [3, 7] }] }
}
