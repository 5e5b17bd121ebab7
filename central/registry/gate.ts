import { HORIZONS, type Pairing } from './measured.ts'

const DAY_MS = 86_400_000
/** Forecasts of each horizon that came true before an error is believed. */
const LEAST_COUNT = 30
/** In probation the former champion must be better by this much before it comes back. */
const WORSE_BY = 1.02

/** Why a challenger is not to be promoted yet; null when it is proven. */
export function notProven(pairing: Pairing | null, shadowDays: number): string | null {
  if (pairing === null) return 'no PoP has measured it under this release yet'
  const days = pairing.shadowMs / DAY_MS
  if (days < shadowDays)
    return `it was in shadow for ${days.toFixed(2)} of ${shadowDays} days of the series' time`
  const least = leastCount(pairing)
  if (least < LEAST_COUNT)
    return `only ${least} of its forecasts have come true so far, ${LEAST_COUNT} are needed`
  if (pairing.ratio === null) return 'no traffic came, so nothing could be measured'
  if (pairing.ratio < 1) return null
  return `its measured error is ${pairing.ratio.toFixed(3)} times the champion's, which is not better`
}

/** What is to become of a promoted model on probation: `keep` waiting, `confirm` it, or go `back`, with the reason. */
export function probation(
  pairing: Pairing | null,
  probationDays: number,
): { readonly kind: 'keep' | 'confirm' } | { readonly kind: 'back'; readonly reason: string } {
  if (pairing === null || leastCount(pairing) < LEAST_COUNT || pairing.ratio === null) return { kind: 'keep' }
  if (pairing.ratio * WORSE_BY < 1) {
    const reason = `measured error of the model before is ${pairing.ratio.toFixed(3)} times that of the promoted one`
    return { kind: 'back', reason }
  }
  return { kind: pairing.shadowMs >= probationDays * DAY_MS ? 'confirm' : 'keep' }
}

function leastCount({ horizons }: Pairing): number {
  return Math.min(...HORIZONS.map((horizon) => horizons[horizon].count))
}
