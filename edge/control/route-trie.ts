import { parseRoute } from '../../contract/route-pattern.ts'

/** No route matches. */
export const NO_MATCH = -1

interface Leaf {
  readonly byMethod: Map<string, number>
  any: number
}

interface Node {
  readonly literals: Map<string, Node>
  param: Node | null
  end: Leaf | null
  rest: Leaf | null
}

/**
 * Routes compiled into a trie of path segments. The most specific route wins, segment by segment from the left: a literal over
 * `:param` over `*`; then a route that names the method over one that takes all; then the first that was added. A
 * request for HEAD follows the route of GET. Empty segments do not count: `//cart/` is `/cart`.
 * A match visits each node at most once, whatever the path.
 */
export class RouteTrie {
  readonly #root = node()

  /** @throws AtlasError `policy/invalid` for a route that does not parse */
  add(route: string, value: number): void {
    const { methods, segments } = parseRoute(route)
    let at = this.#root
    for (const segment of segments) {
      if (segment.kind === 'rest') {
        at.rest ??= leaf()
        put(at.rest, methods, value)
        return
      }
      if (segment.kind === 'param') {
        at.param ??= node()
        at = at.param
        continue
      }
      const next = at.literals.get(segment.text) ?? node()
      at.literals.set(segment.text, next)
      at = next
    }
    at.end ??= leaf()
    put(at.end, methods, value)
  }

  /** The value of the winning route, or `NO_MATCH`. */
  match(method: string, path: string): number {
    return walk(this.#root, method, path, 0)
  }
}

function walk(at: Node, method: string, path: string, from: number): number {
  let start = from
  while (path.charCodeAt(start) === 47) start++
  if (start >= path.length) {
    const ended = at.end === null ? NO_MATCH : pick(at.end, method)
    return ended !== NO_MATCH || at.rest === null ? ended : pick(at.rest, method)
  }
  const slash = path.indexOf('/', start)
  const end = slash < 0 ? path.length : slash
  const literal = at.literals.size === 0 ? undefined : at.literals.get(path.slice(start, end))
  if (literal !== undefined) {
    const found = walk(literal, method, path, end)
    if (found !== NO_MATCH) return found
  }
  if (at.param !== null) {
    const found = walk(at.param, method, path, end)
    if (found !== NO_MATCH) return found
  }
  return at.rest === null ? NO_MATCH : pick(at.rest, method)
}

function pick(from: Leaf, method: string): number {
  if (from.byMethod.size === 0) return from.any
  const named = from.byMethod.get(method)
  if (named !== undefined) return named
  return (method === 'HEAD' ? from.byMethod.get('GET') : undefined) ?? from.any
}

function put(into: Leaf, methods: readonly string[], value: number): void {
  if (methods.length === 0 && into.any === NO_MATCH) into.any = value
  for (const method of methods) {
    if (!into.byMethod.has(method)) into.byMethod.set(method, value)
  }
}

function node(): Node {
  return { literals: new Map(), param: null, end: null, rest: null }
}

function leaf(): Leaf {
  return { byMethod: new Map(), any: NO_MATCH }
}
