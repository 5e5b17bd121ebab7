import { describe, expect, it } from 'vitest'
import { parseMessage } from '../../../contract/messages.ts'
import { ack, alert, decision, minute, second } from '../central/messages.ts'

describe('parseMessage', () => {
  it.each([
    ['atMs', second('fra1', 1, { atMs: 1e300 })],
    ['sinceMs', alert('fra1', 1, { sinceMs: 1e300 })],
    ['endMs', alert('fra1', 1, { endMs: -1e300 })],
    ['minuteStartMs', minute('fra1', 1, { minuteStartMs: 8.64e15 })],
    ['atMs', decision('fra1', 1, { atMs: 253_402_300_800_000 })],
    ['appliedAtMs', ack('fra1', 1, { appliedAtMs: 1e300 })],
  ])('refuses a time that is no date: %s', (field, message) => {
    expect(() => parseMessage(JSON.stringify(message))).toThrow(field)
  })

  it('takes every time of the years 1 to 9999, which all readers can write', () => {
    for (const atMs of [Date.parse('0001-01-01T00:00:00Z'), 0, Date.parse('9999-12-31T23:59:59.999Z')])
      expect(parseMessage(JSON.stringify(second('fra1', 1, { atMs })))).toMatchObject({ atMs })
  })
})
