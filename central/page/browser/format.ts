/** Numbers and times as the page writes them. All times of the axis are trace time, UTC. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const tenth = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', timeStyle: 'medium' })
const minuteClock = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', timeStyle: 'short' })
const day = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})

/** Requests a second, with a decimal where it matters. */
export function rate(rps: number): string {
  return Math.abs(rps) < 100 ? tenth.format(rps) : whole.format(rps)
}

export function milliseconds(ms: number | null): string {
  if (ms === null) return '–'
  if (ms >= 10_000) return `${tenth.format(ms / 1000)} s`
  return `${ms < 10 ? tenth.format(ms) : whole.format(ms)} ms`
}

export function percent(share: number): string {
  if (share === 0) return '0 %'
  return share < 0.001 ? '< 0.1 %' : `${tenth.format(share * 100)} %`
}

export function timeOfDay(atMs: number): string {
  return clock.format(atMs)
}

export function hourAndMinute(atMs: number): string {
  return minuteClock.format(atMs)
}

export function date(atMs: number): string {
  return day.format(atMs)
}

/** `4 s`, `3 min`, `2 h`: how long something took or lasts. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  return `${tenth.format(seconds / 3600)} h`
}
