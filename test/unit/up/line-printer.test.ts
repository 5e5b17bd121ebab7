import { describe, expect, it } from 'vitest'
import { LinePrinter } from '../../../central/up/line-printer.ts'

function printed(isTTY: boolean, lines: readonly (readonly [string, boolean])[]): string[] {
  const written: string[] = []
  const printer = new LinePrinter({ isTTY, columns: 120, write: (text) => written.push(text) })
  for (const [line, idle] of lines) printer.print('12:00:00', line, idle)
  return written
}

describe('the line a second', () => {
  it('takes the place of the last on a terminal while nothing happens', () => {
    const [first, second, third] = printed(true, [
      ['0 rps', true],
      ['0 rps', true],
      ['5 rps', false],
    ])
    expect(first).toBe('12:00:00 0 rps\n')
    expect(second).toContain('\u001b[1A')
    expect(third).toBe('12:00:00 5 rps\n')
  })

  it('is a line of its own elsewhere', () => {
    expect(
      printed(false, [
        ['0 rps', true],
        ['0 rps', true],
      ]),
    ).toEqual(['12:00:00 0 rps\n', '12:00:00 0 rps\n'])
  })
})
