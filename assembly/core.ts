/**
 * Entry of the core: the whole of its exported ABI. Arguments are numbers and pointers into the one memory, whose
 * space from `heapBase` on is given out by the host; nothing here allocates and the memory never grows.
 * Callers check lengths and ranges before they call, except where a function says that it checks.
 *
 *   0            heapBase                                  end of memory
 *   | static data | what the host's arena gives out          |
 */
export { SKETCH_BYTES, SKETCH_ENCODED_MAX, SKETCH_COUNT_MAX, sketchAdd, sketchBin, sketchDecode, sketchEncode, sketchMerge } from './sketch'
export { CELL_BYTES, CELLS, cellMerge } from './cell'
export { CALLS_BYTES, tapOldest, tapTake } from './tap'
export { forestExplain, forestPath } from './forest'
export { DECISION_BYTES, decisionRun } from './decision'

export function heapBase(): usize {
  return __heap_base
}
