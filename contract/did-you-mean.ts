/** The known word nearest to a mistyped one, or null when none is near (Damerau-Levenshtein, optimal string alignment). */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > 64) return null
  const limit = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))
  const ranked = known
    .map((each) => ({ each, distance: distance(word.toLowerCase(), each.toLowerCase()) }))
    .filter((pair) => pair.distance <= limit)
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.each ?? null
}

/** `; did you mean "GET"?`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === null ? '' : `; did you mean "${near}"?`
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word the other. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const cost = from[i - 1] === to[j - 1] ? 0 : 1
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[to.length] ?? 0
}
