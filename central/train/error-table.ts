import type { TraceError } from '../../contract/model/manifest.ts'

/** Baselines shown beside the model, where the data set publishes them. */
const SHOWN = ['holt_damped', 'ridge_ar60_tod', 'hgb_lags60_tod']
const HEAD = ['trace', 'min', 'model', 'persist', 'mean60', 'holt', 'ridge', 'gb', '10–90 %', 'seen']

/** WAPE in % of the model and the other methods by trace and horizon, as a table for a terminal. */
export function errorTable(errors: readonly TraceError[]): string {
  const rows = errors.flatMap(({ trace, seen, horizons }) =>
    Object.entries(horizons).map(([minutes, error]) => [
      trace,
      minutes,
      error.model.toFixed(2),
      error.persistence.toFixed(2),
      error.mean60.toFixed(2),
      ...SHOWN.map((method) => error.baselines[method]?.toFixed(2) ?? '–'),
      error.coverage.toFixed(1),
      seen,
    ]),
  )
  const table = [HEAD, ...rows]
  const widths = HEAD.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
