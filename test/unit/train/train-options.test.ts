import { describe, expect, it } from 'vitest'
import { errorTable } from '../../../central/train/error-table.ts'
import { parseTrainOptions } from '../../../central/train/train-options.ts'

describe('flags of npm run train', () => {
  it('adapt to a trace, written to the working folder unless told otherwise', () => {
    expect(parseTrainOptions(['--on', 'a.csv'])).toMatchObject({ on: 'a.csv', out: process.cwd() })
    expect(parseTrainOptions(['--on', 'a.csv', '--out', 'x'])).toMatchObject({ on: 'a.csv', out: 'x' })
    expect(parseTrainOptions([])?.on).toBeUndefined()
  })

  it('have defaults, fewer epochs when quick', () => {
    expect(parseTrainOptions([])).toMatchObject({ seed: 1, epochs: 30, quick: false })
    expect(parseTrainOptions(['--quick', '--seed', '7', '--out', '/tmp/x'])).toMatchObject({
      seed: 7,
      epochs: 1,
      quick: true,
      out: '/tmp/x',
    })
    expect(parseTrainOptions(['--help'])).toBeNull()
  })

  it.each([
    [['--epochs', '0'], '--epochs must be a whole number from 1, but is 0'],
    [['--epochs', 'many'], 'but is many'],
    [['--seed', '1.5'], '--seed must be a whole number from 0, but is 1.5'],
    [['--fast'], "Unknown option '--fast'"],
  ])('are refused with the reason: %j', (args, message) => {
    expect(() => parseTrainOptions(args)).toThrow(message)
  })
})

describe('the table of errors', () => {
  it('shows a dash where the data set publishes no baseline, and lines its columns up', () => {
    const error = {
      origins: 9,
      model: 1.5,
      persistence: 20,
      mean60: 3,
      coverage: 80,
      baselines: { holt_damped: 2 },
    }
    const table = errorTable([
      {
        trace: 'a_trace',
        seen: 'never',
        stepS: 60,
        horizons: { 5: { ...error, betterThanPersistence: 92.5, betterThanMean60: 50 } },
      },
    ])
    const [head, row] = table.split('\n')
    expect(head?.length).toBe(row?.length)
    expect(row?.split(/\s+/)).toEqual([
      'a_trace',
      '5',
      '1.50',
      '20.00',
      '3.00',
      '2.00',
      '–',
      '–',
      '80.0',
      'never',
    ])
  })
})
