import { liveLine } from '../../central/up/live-line.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import type { Plan } from './plan.ts'

/** One line while the replay runs: where it is, and what the PoP says. */
export function progressLine(minute: number, plan: Plan, status: PopStatus | null): string {
  const at = `minute ${Math.max(0, Math.floor(minute)).toString().padStart(3)}/${plan.minutes}`
  return `${at} · planned ${Math.round(plan.rps(Math.max(0, minute))).toLocaleString('en-US')} · ${liveLine(status).trim()}`
}
