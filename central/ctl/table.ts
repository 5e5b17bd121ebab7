/** A column of a table: its head, and whether its cells stand to the right. */
export interface Column {
  readonly head: string
  readonly right?: boolean
}

const GAP = '  '

/** Text lines of a table. What PoPs wrote is made harmless: no control character reaches the terminal. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map((column) => column.head), ...rows.map((row) => row.map(plain))]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] ?? '').length)))
  const lines = cells.map((row) =>
    columns
      .map((column, index) => {
        const text = row[index] ?? ''
        const width = widths[index] ?? 0
        return column.right ? text.padStart(width) : text.padEnd(width)
      })
      .join(GAP)
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** Text without control characters: an escape sequence in a PoP's reason must not steer the terminal. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '?')
}

/** `12 s ago`, `now` below two seconds. */
export function ago(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 2) return 'now'
  if (seconds < 90) return `${seconds} s ago`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`
  return `${Math.round(seconds / 360) / 10} h ago`
}

export function rate(rps: number): string {
  return rps.toLocaleString('en-US', { maximumFractionDigits: rps < 100 ? 1 : 0 })
}

export function when(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
}
