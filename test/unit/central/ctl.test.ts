import { describe, expect, it } from 'vitest'
import { Api } from '../../../central/ctl/api.ts'
import { findCommand, overview } from '../../../central/ctl/commands.ts'
import { readStamp, stamp } from '../../../central/ctl/policy-stamp.ts'
import { ago, plain, table } from '../../../central/ctl/table.ts'

describe('table', () => {
  it('lines columns up and lets no escape sequence through', () => {
    const text = table(
      [{ head: 'A' }, { head: 'N', right: true }],
      [
        ['x\u001b[31m', '5'],
        ['long name', '1,000'],
      ],
    )
    expect(text).toBe('A              N\nx?[31m         5\nlong name  1,000\n')
    expect(plain('a\r\nb\u202e')).toBe('a??b?')
  })

  it('says how long ago', () => {
    expect([0, 5_000, 120_000, 7_200_000].map(ago)).toEqual(['now', '5 s ago', '2 min ago', '2 h ago'])
  })
})

describe('commands', () => {
  it('are found by their words, the rest are arguments', () => {
    expect(findCommand(['policy', 'push', 'f.yaml'])).toMatchObject({
      command: { words: 'policy push' },
      rest: ['f.yaml'],
    })
    expect(findCommand(['policy'])).toBeNull()
    expect(overview()).toContain('atlasctl explain [last|ID]')
  })

  it('know from a stamp which version a file was made from', () => {
    expect(readStamp(`${stamp('default', 7)}a: 1`)).toEqual({ name: 'default', version: 7 })
    expect(readStamp('a: 1')).toBeNull()
  })

  it('say how to start central when it is not there', async () => {
    await expect(new Api({ url: 'http://127.0.0.1:1/', token: null }).send('/')).rejects.toThrow(
      'cannot reach central at http://127.0.0.1:1; start it with `npm start`',
    )
  })
})
