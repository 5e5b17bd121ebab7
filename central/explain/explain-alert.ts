import type { AlertMessage, SuspectModule } from '../../contract/messages.ts'
import { isToken } from '../../contract/subjects.ts'
import type { Alert } from '../ingest/alert-book.ts'
import {
  amountWords,
  FAULT_WORDS,
  featuresInWords,
  moduleWords,
  numberWords,
  seriesWords,
} from '../page/browser/anomaly-words.ts'

type Signal = AlertMessage['signals'][number]

/** An alert in words. */
export interface AlertExplanation {
  /** What there was, since when, and whether it is over. */
  readonly summary: string
  /** What left its usual course, by how much; the strangest first. */
  readonly odd: readonly string[]
  /** How it grew, event by event. */
  readonly course: readonly string[]
  /** Who is suspected of what, along which calls; the most suspect first. */
  readonly suspects: readonly string[]
  /** Why nobody is suspected; null when somebody is. */
  readonly undiagnosed: string | null
}

/** Says what an alert is about, from what its PoP told. */
export function explainAlert(alert: Alert): AlertExplanation {
  const features = featuresInWords(alert.features)
  return {
    summary: summaryOf(alert),
    odd: [
      ...alert.signals.map(signalText),
      ...(features.length === 0 ? [] : [`what stood out in its worst tick: ${features.join(', ')}`]),
    ],
    course: alert.events.map(
      ({ event, level, atMs, score }) => `${at(atMs)}: ${EVENTS[event](level, score)}`,
    ),
    suspects: (alert.suspects ?? []).map(suspectText),
    undiagnosed: alert.suspects === null ? whyNobody(alert) : null,
  }
}

const EVENTS: Readonly<Record<AlertMessage['event'], (level: string, score: number) => string>> = {
  opened: (level, score) => `opened at level "${level}", score ${score.toFixed(2)}`,
  escalated: (level, score) => `rose to level "${level}", score ${score.toFixed(2)}`,
  closed: (_, score) => `closed, score ${score.toFixed(2)}`,
}

function summaryOf({ pop, state, level, sinceMs, endMs, peak }: Alert): string {
  const what = `PoP ${pop} left its usual course at ${at(sinceMs)}; it reached level "${level}", with a highest score of ${peak.toFixed(2)}.`
  if (state === 'open') return `${what} It is not over yet.`
  if (state === 'lost') return `${what} How it ended is not known: the PoP lost its memory of it.`
  return endMs === null
    ? `${what} It is over.`
    : `${what} It was over at ${at(endMs)}, after ${time(endMs - sinceMs)}.`
}

/** One series that left its past: `request rate of cart: 900 req/s, usually 120 req/s (7.5 times as much); …`. */
function signalText({ module, measure, value, usual, surprise }: Signal): string {
  const against =
    usual === null
      ? ', and what is usual is not known yet'
      : `, usually ${amountWords(measure, usual)}${ratio(value, usual)}`
  return `${seriesWords(measure, module)}: ${amountWords(measure, value)}${against}; ${rarity(surprise)}`
}

function suspectText(suspect: SuspectModule): string {
  const { module, metric, share, deviation, path } = suspect
  const calls = path.filter(isModule).map(moduleWords)
  const way =
    calls.length < 2 ? 'requests come to it directly' : `the calls that lead there: ${calls.join(' → ')}`
  return `${moduleWords(module)} is ${FAULT_WORDS[metric]}: ${percent(share)} of what the front door suffers comes from there, and it is ${numberWords(deviation)} of its ordinary spreads above its usual (${way}).`
}

/** Not the front door itself, which PoPs call by a name that no module can have. */
function isModule(name: string): boolean {
  return isToken(name) || moduleWords(name) !== name
}

function whyNobody({ undiagnosed, state }: Alert): string {
  if (undiagnosed !== null) return `No module is suspected: ${undiagnosed}.`
  return state === 'open' ? 'No module is suspected yet.' : 'No module was suspected.'
}

function ratio(value: number, usual: number): string {
  if (usual <= 0 || value <= 0) return ''
  const times = value / usual
  if (times >= 1.05) return ` (${numberWords(times)} times as much)`
  return times <= 0.95 ? ` (${percent(times)} of it)` : ''
}

/** @param surprise -log10 of the share of minutes that show as much */
function rarity(surprise: number): string {
  const power = Math.min(12, Math.max(0, Math.floor(surprise)))
  return `as rare as one minute in ${(10 ** power).toLocaleString('en-US')}`
}

function percent(share: number): string {
  return `${(share * 100).toLocaleString('en-US', { maximumFractionDigits: share < 0.1 ? 1 : 0 })} %`
}

function at(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime())
    ? 'an unknown time'
    : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`
}

function time(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${numberWords(seconds / 3_600)} h`
}
