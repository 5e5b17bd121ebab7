import { seededRandom } from '../ports.ts'
import { WINDOW_SIZE } from './forecast-window.ts'

/** The window of a forecaster's self-check: numbers in −1..1 that its seed gives, the same everywhere. */
export function selfCheckWindow(seed: number): Float32Array {
  const random = seededRandom(seed)
  return Float32Array.from({ length: WINDOW_SIZE }, () => random.next() * 2 - 1)
}
