import { describe, expect, it } from 'vitest'
import { diff } from '../../../central/policy/diff.ts'
import { parsePolicyText } from '../../../central/policy/policy-text.ts'
import { createSigningKey, parseSigningKey } from '../../../central/policy/signing-key.ts'
import { expectedOf, PreconditionRequired } from '../../../central/server/precondition.ts'
import type { AtlasError } from '../../../contract/errors.ts'
import { POLICY } from './messages.ts'

function errorOf(text: string): Pick<AtlasError, 'code' | 'faults'> {
  try {
    parsePolicyText(text)
  } catch (thrown) {
    return thrown as AtlasError
  }
  throw new Error('taken')
}

describe('parsePolicyText', () => {
  it('reads the same policy out of YAML and JSON', () => {
    const yaml =
      'apiVersion: atlas/v1\norigin: http://127.0.0.1:9000\nmodules:\n  - name: app\n    routes: ["/*"]\n'
    expect(parsePolicyText(yaml)).toEqual(parsePolicyText(JSON.stringify(POLICY)))
  })

  it('names line and column of a key that stands twice, in JSON too', () => {
    expect(errorOf('{"a": 1,\n "a": 2}')).toMatchObject({
      code: 'policy/syntax',
      faults: [{ path: 'line 2, column 2' }],
    })
  })

  it.each([
    ['nothing', ''],
    ['a comment alone', '# nothing'],
    ['two documents', 'a: 1\n---\na: 2'],
    ['an unknown tag', 'a: !!js/function x'],
    ['an unclosed bracket', 'a: ['],
    ['an alias without an anchor', 'a: *b'],
    ['a key that is no text', '? [a]\n: 1'],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e'].map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcd'[i]}`).join(',')}]`).join('\n')}`,
    ],
    ['nesting without end', '['.repeat(20_000)],
    ['nesting that ends', `${'['.repeat(60_000)}${']'.repeat(60_000)}`],
    ['maps in maps', '{a: '.repeat(50_000)],
    ['lists in lists', '- '.repeat(120_000)],
    ['keys in keys', '? '.repeat(120_000)],
    ['a deep indent', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['a map without end', Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['a flow map without end', `{${Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join()}}`],
  ])('refuses %s as syntax', (_, text) => {
    expect(errorOf(text).code).toBe('policy/syntax')
  })

  it('says where it nests too deep or is too long, rather than that the stack is full', () => {
    expect(errorOf('['.repeat(60_000)).faults).toEqual([
      { path: '', message: 'it nests deeper than 32 levels' },
    ])
    expect(errorOf('*a '.repeat(80_000)).faults).toHaveLength(50)
  })

  it('refuses __proto__ as the unknown key it is', () => {
    const text = `${JSON.stringify(POLICY).slice(0, -1)},"__proto__":{"autonomyLevel":0}}`
    expect(errorOf(text)).toMatchObject({ code: 'policy/invalid', faults: [{ path: '__proto__' }] })
  })
})

describe('diff', () => {
  it('lists changes by path, and what was added and removed', () => {
    expect(diff({ a: 1, b: [1, 2], c: { d: 1 } }, { a: 2, b: [1], c: { d: 1, e: null } })).toEqual([
      { path: 'a', before: 1, after: 2 },
      { path: 'b.1', before: 2 },
      { path: 'c.e', after: null },
    ])
    expect(diff({ a: [1] }, { a: [1] })).toEqual([])
  })
})

describe('expectedOf', () => {
  const of = (headers: Record<string, string>, current: number | null, dryRun = false) =>
    expectedOf(new Headers(headers), current, dryRun)

  it('needs a version for a change and none for the first', () => {
    expect(of({}, null)).toEqual({ kind: 'absent' })
    expect(of({ 'if-none-match': '*' }, 3)).toEqual({ kind: 'absent' })
    expect(of({ 'if-match': '"3"' }, 4)).toEqual({ kind: 'version', version: 3 })
    expect(() => of({}, 3)).toThrow(PreconditionRequired)
    expect(() => of({ 'if-match': '*' }, 3)).toThrow(PreconditionRequired)
    expect(of({}, 3, true)).toEqual({ kind: 'version', version: 3 })
  })

  it.each(['"0"', '"x"', 'W/"3"', '"3", "4"', '"-1"'])('refuses If-Match %s', (value) => {
    expect(() => of({ 'if-match': value }, 3)).toThrow(/If-Match must be/)
  })
})

describe('parseSigningKey', () => {
  it('takes what createSigningKey made, and refuses a public key that is not of the private one', async () => {
    const [one, two] = [await createSigningKey(), await createSigningKey()]
    expect((await parseSigningKey(JSON.stringify(one))).keyId).toBe(one.keyId)
    const mixed = { ...one, publicKey: two.publicKey }
    await expect(parseSigningKey(JSON.stringify(mixed))).rejects.toThrow(/signing key file must be/)
    await expect(parseSigningKey('{}')).rejects.toThrow(/signing key file must be/)
  })
})
