import { describe, expect, it } from 'vitest'
import { parseExamples } from '../../../central/train/examples.ts'
import { incidentWindows, windowsOf } from '../../../central/training/incident-windows.ts'
import type { AlertMessage } from '../../../contract/messages.ts'

const MINUTE_MS = 60_000
const START_MS = 1_800_000_000_000

/** An alert from one minute to another of the record; null: it is open. */
function alert(id: string, from: number, to: number | null): AlertMessage {
  const [sinceMs, endMs] = [START_MS + from * MINUTE_MS, to === null ? null : START_MS + to * MINUTE_MS]
  return { id, sinceMs, endMs } as AlertMessage
}

function minutes(size: number) {
  const rps = Float64Array.from({ length: size }, (_, at) => at)
  return { name: 'fra1', stepS: 60, startMs: START_MS, rps, errorRate: rps.map(() => 0) }
}

describe('windows around recorded incidents', () => {
  it('reach from an hour before to an hour after, by the last word of each alert; open ones are left out', () => {
    const messages = [alert('a', 200, null), alert('a', 200, 230), alert('b', 600, null)]
    expect(incidentWindows(messages)).toEqual([
      { fromMs: START_MS + 140 * MINUTE_MS, toMs: START_MS + 290 * MINUTE_MS },
    ])
    const [example] = windowsOf(minutes(1000), incidentWindows(messages))
    expect(example).toMatchObject({ name: 'fra1 incident', startMs: START_MS + 140 * MINUTE_MS })
    expect([example?.rps[0], example?.rps.at(-1), example?.errorRate?.length]).toEqual([140, 289, 150])
  })

  it('that touch are one', () => {
    const windows = incidentWindows([alert('b', 300, 320), alert('a', 200, 230), alert('c', 900, 901)])
    expect(windows).toHaveLength(2)
    expect(windows[0]).toEqual({ fromMs: START_MS + 140 * MINUTE_MS, toMs: START_MS + 380 * MINUTE_MS })
  })

  it('end with the record, and are no example when less than a forecast window is left', () => {
    const windows = incidentWindows([alert('a', 20, 30), alert('b', 5_000, 5_010)])
    expect(windowsOf(minutes(1000), windows).map(({ rps }) => rps.length)).toEqual([90])
    expect(windowsOf(minutes(60), windows)).toEqual([])
  })
})

describe('a file of examples', () => {
  const file = {
    v: 1,
    kind: 'incident-examples',
    examples: [{ name: 'a', stepS: 60, startMs: 5, rps: [1, null] }],
  }

  it('is read, missing samples as NaN', () => {
    const [series] = parseExamples('e.json', JSON.stringify(file))
    expect(series).toEqual({ name: 'a', stepS: 60, startMs: 5, rps: Float64Array.of(1, Number.NaN) })
  })

  it.each([
    ['is not JSON', '{', /e\.json holds no incident examples: it is not JSON/],
    ['is something else', '{"v":1,"kind":"policy"}', /e\.json holds no incident examples: kind/],
    [
      'has a rate below nothing',
      JSON.stringify({ ...file, examples: [{ ...file.examples[0], rps: [-1] }] }),
      /examples\.0\.rps\.0/,
    ],
  ])('that %s is refused by name', (_, text, reason) => {
    expect(() => parseExamples('e.json', text)).toThrow(reason)
  })
})
