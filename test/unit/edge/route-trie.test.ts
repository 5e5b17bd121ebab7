import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '../../../contract/ports.ts'
import { parseRoute, type Segment } from '../../../contract/route-pattern.ts'
import { NO_MATCH, RouteTrie } from '../../../edge/control/route-trie.ts'

const RANK = { literal: 0, param: 1, end: 2, rest: 3 } as const

/** Every route in turn, then the best by comparing kinds from the left, then by method, then by order. */
function slowMatch(routes: readonly string[], method: string, path: string): number {
  const parts = path.split('/').filter((part) => part !== '')
  const found: { rank: number[]; value: number }[] = []
  routes.forEach((route, value) => {
    const { methods, segments } = parseRoute(route)
    const byMethod = methodRank(methods, method)
    if (byMethod === null || !fits(segments, parts)) return
    found.push({ rank: [...segments.map(({ kind }) => RANK[kind]), RANK.end, byMethod, value], value })
  })
  found.sort((a, b) => compare(a.rank, b.rank))
  return found[0]?.value ?? NO_MATCH
}

function methodRank(methods: readonly string[], method: string): number | null {
  if (methods.includes(method)) return 10
  if (method === 'HEAD' && methods.includes('GET')) return 11
  return methods.length === 0 ? 12 : null
}

function fits(segments: readonly Segment[], parts: readonly string[]): boolean {
  const rest = segments.at(-1)?.kind === 'rest'
  const fixed = rest ? segments.slice(0, -1) : segments
  if (rest ? parts.length < fixed.length : parts.length !== fixed.length) return false
  return fixed.every((segment, at) => segment.kind !== 'literal' || segment.text === parts[at])
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random.next() * from.length)] as T
}

describe('RouteTrie', () => {
  it('matches as a slow search over all routes does', () => {
    let hits = 0
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed)
      const routes = Array.from({ length: 1 + Math.floor(random.next() * 12) }, () => {
        const depth = Math.floor(random.next() * 4)
        const parts = Array.from({ length: depth }, () => pick(random, ['a', 'b', 'c', ':x', ':y']))
        if (random.next() < 0.35) parts.push('*')
        return `${pick(random, ['', '', 'GET ', 'POST ', 'GET,HEAD ', 'HEAD '])}/${parts.join('/')}`
      })
      const trie = new RouteTrie()
      routes.forEach((route, value) => {
        trie.add(route, value)
      })
      for (let turn = 0; turn < 60; turn++) {
        const parts = Array.from({ length: Math.floor(random.next() * 5) }, () =>
          pick(random, ['a', 'b', 'c', 'd', '']),
        )
        const path = `/${parts.join('/')}`
        const method = pick(random, ['GET', 'HEAD', 'POST', 'DELETE'])
        const found = trie.match(method, path)
        if (found !== NO_MATCH) hits++
        expect(found, `seed ${seed}: ${method} ${path} in ${JSON.stringify(routes)}`).toBe(
          slowMatch(routes, method, path),
        )
      }
    }
    expect(hits).toBeGreaterThan(3000)
  })

  it('lets a literal win over a parameter and a parameter over the rest, and goes back where it must', () => {
    const trie = new RouteTrie()
    ;['/*', '/a/:x', '/a/b', '/a/b/c', '/:y/b/d'].forEach((route, value) => {
      trie.add(route, value)
    })
    expect(trie.match('GET', '/a/b')).toBe(2)
    expect(trie.match('GET', '/a/z')).toBe(1)
    expect(trie.match('GET', '/a/b/d')).toBe(4)
    expect(trie.match('GET', '/a/b/x')).toBe(0)
  })

  it('lets the rest match nothing, and HEAD follow GET', () => {
    const trie = new RouteTrie()
    trie.add('GET /cart/*', 1)
    trie.add('POST /cart', 2)
    for (const path of ['/cart', '/cart/', '//cart', '/cart/7/items']) {
      expect(trie.match('HEAD', path), path).toBe(1)
    }
    expect(trie.match('POST', '/cart')).toBe(2)
    expect(trie.match('POST', '/cart/7')).toBe(NO_MATCH)
  })

  it('matches a path of 100,000 segments without harm', () => {
    const trie = new RouteTrie()
    trie.add('/:a/:b/*', 1)
    expect(trie.match('GET', '/x'.repeat(100_000))).toBe(1)
  })
})
