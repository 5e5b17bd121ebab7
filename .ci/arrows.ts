// Dependency arrows: who may import whom, and no cycles. The order is that of the house in docs/architecture.md.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Folder → folders of ours that it may import, beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  assembly: [],
  models: [],
  'core-wasm': ['contract'],
  edge: ['core-wasm', 'contract', 'models'],
  central: ['core-wasm', 'contract', 'models'],
  'examples/storefront': [],
  examples: ['central', 'contract'],
  '.ci': ['contract'],
  test: ['central', 'contract', 'core-wasm', 'edge', 'examples', 'models', '.ci'],
}
/** Inside edge an import goes from an earlier rank to a later one; folders of one rank do not know each other. */
const EDGE_RANKS = [
  ['index.ts'],
  ['worker'],
  ['pipeline'],
  ['middleware'],
  ['measure'],
  ['pop', 'predict', 'sync', 'hold'],
  ['control'],
]

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{}\s,$]*?\sfrom\s*)?['"]([^'"\n]+)['"]|import\(\s*['"]([^'"\n]+)['"]/g

/** Imports of one file's text, as written. */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  return [...code.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '')
}

/** Why `from` may not import `to` (paths from the root), or null when it may. */
export function fault(from: string, to: string): string | null {
  const [home, target] = [folderOf(from), folderOf(to)]
  if (home === undefined) return null
  if (target === undefined) return `${from} imports ${to}, which is outside the house`
  if (home !== target && !MAY_IMPORT[home]?.includes(target))
    return `${from} imports ${to}: ${home} must not import ${target}`
  if (home !== 'edge' || target !== 'edge') return null
  const [a, b] = [from.split('/')[1], to.split('/')[1]]
  if (a === b) return null
  const rank = (name = '') => EDGE_RANKS.findIndex((names) => names.includes(name))
  if (rank(a) < 0 || rank(b) < 0)
    return `${from} imports ${to}: edge/${rank(a) < 0 ? a : b} has no place in the order`
  return rank(a) < rank(b) ? null : `${from} imports ${to}: edge/${a} must not import edge/${b}`
}

/** A cycle in a graph of files, as a path that ends where it began, or null. */
export function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return null
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file])
      if (cycle) return cycle
    }
    done.add(file)
    return null
  }
  for (const file of graph.keys()) {
    const cycle = visit(file, [])
    if (cycle) return cycle
  }
  return null
}

/** All faults of the tree. */
export function checkArrows(): string[] {
  const folders = Object.keys(MAY_IMPORT).filter((name) => !name.includes('/'))
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((name) => /\.(ts|mjs|tsx)$/.test(name) && !name.includes('node_modules')),
  )
  const graph = new Map<string, string[]>()
  const faults: string[] = []
  for (const file of files) {
    const ours = importsOf(readFileSync(join(root, file), 'utf8')).filter((name) => name.startsWith('.'))
    const targets = ours.map((name) => relative('.', normalize(join(dirname(file), name))))
    graph.set(file, targets)
    faults.push(...targets.flatMap((target) => fault(file, target) ?? []))
  }
  const cycle = cycleIn(graph)
  return cycle ? [...faults, `imports go in a circle: ${cycle.join(' → ')}`] : faults
}

function folderOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((folder) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0]
}
