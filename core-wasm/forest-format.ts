import { AtlasError } from '../contract/errors.ts'
import { crc32 } from './crc32.ts'

/** A point goes left when `point[feature] < threshold` (both rounded to f32), else right. */
export interface IsolationSplit {
  readonly feature: number
  readonly threshold: number
  readonly left: IsolationTree
  readonly right: IsolationTree
}

/** Where a tree ends: how many training points of the subsample ended here, 0 or more. */
export interface IsolationLeaf {
  readonly size: number
}

export type IsolationTree = IsolationSplit | IsolationLeaf

/** A trained isolation forest, as the trainer makes it and `encodeForest` takes it. */
export interface IsolationForest {
  /** Length of a point, 1 to 256. */
  readonly features: number
  /** Training points per tree (psi of the paper), at least 2. */
  readonly subsample: number
  /** Most splits on any way from root to leaf, 1 to 14; the paper's limit is ceil(log2(subsample)). */
  readonly depth: number
  /** 1 to 1000. */
  readonly trees: readonly IsolationTree[]
}

export type ForestHeader = Omit<IsolationForest, 'trees'> & { readonly trees: number }

/** "ATIF", little-endian. */
const MAGIC = 0x46495441
const VERSION = 1
/** u32: magic, version, trees, depth, features, subsample, CRC-32 of the file with this word 0, reserved 0. */
export const HEADER_BYTES = 32
const CHECKSUM_AT = 24

/** Bytes of one tree: 2^depth - 1 splits of (f32 threshold, u32 feature), then 2^depth f32 path lengths. */
function treeBytes(depth: number): number {
  return (2 ** depth - 1) * 8 + 2 ** depth * 4
}

/** c(n): average path length of an unsuccessful search in a binary tree of n points (Liu, Ting, Zhou 2008, eq. 1). */
export function averagePathLength(n: number): number {
  if (n <= 1) return 0
  if (n === 2) return 1
  return 2 * (Math.log(n - 1) + 0.5772156649015329) - (2 * (n - 1)) / n
}

/**
 * The forest as a binary file: header and perfect heaps, as assembly/forest.ts draws them. Deterministic.
 * @throws AtlasError `model/shape` when the forest is out of its bounds, or a tree deeper than `depth`
 */
export function encodeForest(forest: IsolationForest): Uint8Array<ArrayBuffer> {
  const { depth } = forest
  checkHeader({ ...forest, trees: forest.trees.length })
  const bytes = new Uint8Array(HEADER_BYTES + forest.trees.length * treeBytes(depth))
  const view = new DataView(bytes.buffer)
  const words = [MAGIC, VERSION, forest.trees.length, depth, forest.features, forest.subsample]
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true)

  const splits = 2 ** depth - 1
  const write = (tree: number, node: number, level: number, part: IsolationTree, ended: number): void => {
    if (level === depth) {
      if (!('size' in part)) throw shape(`tree ${tree} is deeper than ${depth}`)
      view.setFloat32(tree + splits * 8 + (node - splits) * 4, ended + averagePathLength(part.size), true)
      return
    }
    const leaf = 'size' in part
    view.setFloat32(tree + node * 8, leaf ? Number.POSITIVE_INFINITY : part.threshold, true)
    view.setUint32(tree + node * 8 + 4, leaf ? 0 : part.feature, true)
    const next = leaf ? ended : level + 1
    write(tree, 2 * node + 1, level + 1, leaf ? part : part.left, next)
    write(tree, 2 * node + 2, level + 1, leaf ? part : part.right, next)
  }
  for (const [index, tree] of forest.trees.entries()) {
    checkTree(tree, forest.features, `tree ${index}`)
    write(HEADER_BYTES + index * treeBytes(depth), 0, 0, tree, 0)
  }
  view.setUint32(CHECKSUM_AT, crc32(bytes), true)
  return bytes
}

/**
 * Reads and checks a whole file: header, length, checksum, every split and every leaf.
 * @throws AtlasError `model/unreadable` (not such a file, cut short, damaged) or `model/shape` (out of bounds)
 */
export function checkForest(bytes: Uint8Array): ForestHeader {
  if (bytes.byteLength < HEADER_BYTES) throw unreadable(`${bytes.byteLength} bytes are no forest`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const word = (index: number): number => view.getUint32(4 * index, true)
  if (word(0) !== MAGIC) throw unreadable('the file does not begin with "ATIF"')
  if (word(1) !== VERSION) throw unreadable(`version ${word(1)}; this ATLAS reads version ${VERSION}`)
  const header = { trees: word(2), depth: word(3), features: word(4), subsample: word(5) }
  checkHeader(header)
  const length = HEADER_BYTES + header.trees * treeBytes(header.depth)
  if (bytes.byteLength !== length) throw unreadable(`${bytes.byteLength} bytes where ${length} belong`)
  const blank = new Uint8Array(bytes)
  blank.fill(0, CHECKSUM_AT, CHECKSUM_AT + 4)
  if (crc32(blank) !== view.getUint32(CHECKSUM_AT, true)) throw unreadable('checksum does not match')

  const splits = 2 ** header.depth - 1
  for (let tree = 0; tree < header.trees; tree++) {
    const at = HEADER_BYTES + tree * treeBytes(header.depth)
    for (let node = 0; node < splits; node++) {
      const threshold = view.getFloat32(at + node * 8, true)
      if (Number.isNaN(threshold)) throw shape(`tree ${tree}, node ${node}: threshold is NaN`)
      const feature = view.getUint32(at + node * 8 + 4, true)
      if (feature >= header.features) throw shape(`tree ${tree}, node ${node}: feature ${feature}`)
    }
    for (let leaf = 0; leaf <= splits; leaf++) {
      const path = view.getFloat32(at + splits * 8 + leaf * 4, true)
      if (!(path >= 0 && path < 1e6)) throw shape(`tree ${tree}, leaf ${leaf}: path length ${path}`)
    }
  }
  return header
}

function checkHeader({ trees, depth, features, subsample }: ForestHeader): void {
  const within = (name: string, value: number, low: number, high: number): void => {
    if (!(Number.isInteger(value) && value >= low && value <= high)) {
      throw shape(`${name} must be an integer from ${low} to ${high}, but is ${value}`)
    }
  }
  within('trees', trees, 1, 1000)
  within('depth', depth, 1, 14)
  within('features', features, 1, 256)
  within('subsample', subsample, 2, 2 ** 24)
}

function checkTree(tree: IsolationTree, features: number, path: string): void {
  if ('size' in tree) {
    if (!(Number.isInteger(tree.size) && tree.size >= 0)) throw shape(`${path}: leaf of size ${tree.size}`)
    return
  }
  if (!(Number.isInteger(tree.feature) && tree.feature >= 0 && tree.feature < features)) {
    throw shape(`${path}: feature ${tree.feature}`)
  }
  if (!Number.isFinite(Math.fround(tree.threshold))) throw shape(`${path}: threshold ${tree.threshold}`)
  checkTree(tree.left, features, `${path}.left`)
  checkTree(tree.right, features, `${path}.right`)
}

function unreadable(message: string): AtlasError {
  return new AtlasError('model/unreadable', `forest: ${message}`)
}

function shape(message: string): AtlasError {
  return new AtlasError('model/shape', `forest: ${message}`)
}
