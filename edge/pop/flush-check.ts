import type { Aggregate } from '../../contract/aggregate.ts'
import { isToken } from '../../contract/subjects.ts'
import type { FlushReport, LimitUse } from '../control/stubs.ts'

const MAX_AGGREGATES = 256
const MAX_COUNT = 1e9
const MAX_USES = 1000

/** A report with what could not be trusted left out, and how many parts that were. */
export interface CheckedReport {
  readonly isolate: string
  readonly tableVersion: number
  readonly aggregates: readonly Aggregate[]
  readonly limitUse: readonly LimitUse[]
  readonly internalErrors: number
  readonly tapDropped: number
  readonly refused: number
}

/**
 * Sizes and ranges of a flush, checked before anything of it is used: an isolate of another version, or a broken one,
 * must not be able to spoil the PoP's picture. Null when the report as a whole cannot be used. What is inside an
 * aggregate is checked where it is merged.
 * @param nowMs trace time; buckets more than `spreadMs` away from it are refused
 */
export function checkReport(
  report: FlushReport,
  pop: string,
  nowMs: number,
  spreadMs: number,
): CheckedReport | null {
  if (typeof report !== 'object' || report === null || report.pop !== pop) return null
  const { isolate, tableVersion } = report
  if (typeof isolate !== 'string' || !isToken(isolate) || !Number.isSafeInteger(tableVersion)) return null
  const aggregates = Array.isArray(report.aggregates) ? report.aggregates.slice(0, MAX_AGGREGATES) : []
  const uses = Array.isArray(report.limitUse) ? report.limitUse.slice(0, MAX_USES) : []
  let refused = (report.aggregates?.length ?? 1) - aggregates.length
  refused += (report.limitUse?.length ?? 1) - uses.length
  const good: Aggregate[] = []
  for (const aggregate of aggregates) {
    if (isNear(aggregate?.bucketStartMs, nowMs, spreadMs)) good.push(aggregate)
    else refused++
  }
  const limitUse = uses.filter(isUse)
  return {
    isolate,
    tableVersion,
    aggregates: good,
    limitUse,
    internalErrors: isCount(report.internalErrors) ? report.internalErrors : 0,
    tapDropped: isCount(report.tapDropped) ? report.tapDropped : 0,
    refused: refused + uses.length - limitUse.length,
  }
}

function isNear(bucketStartMs: unknown, nowMs: number, spreadMs: number): boolean {
  return typeof bucketStartMs === 'number' && Math.abs(bucketStartMs - nowMs) <= spreadMs
}

function isUse(value: LimitUse): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (typeof value.limit !== 'string' || !isToken(value.limit)) return false
  return typeof value.key === 'string' && value.key.length <= 128 && value.cost > 0 && value.cost <= MAX_COUNT
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_COUNT
}
