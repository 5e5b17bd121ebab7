import { setTimeout as delay } from 'node:timers/promises'
import type { PopStatus } from '../../contract/pop-status.ts'
import type { CentralClient } from './central-client.ts'
import { forecastText } from './live-line.ts'
import type { Stack } from './stack.ts'
import { type Tally, visitOrigin, visitShop } from './traffic.ts'

const LIMIT_MS = 30_000
const MIN_REQUESTS = 200

/**
 * Sends real traffic through a running stack until the PoP has counted it and, unless it is an island, has acknowledged
 * the policy of central; at most 30 s.
 * @returns what was seen, and what was missed (empty = good)
 */
export async function checkStack(
  stack: Stack,
  central: { readonly client: CentralClient; readonly version: number } | null,
  shop: boolean,
): Promise<{ seen: string[]; missed: string[] }> {
  const [edge = ''] = stack.urls.edges
  const tally: Tally = { passed: 0, errors: [] }
  const visit = shop ? visitShop : visitOrigin
  let status: PopStatus | null = null
  let acknowledged: string[] = []
  const counted = () => (status?.second?.rps ?? 0) > 0 && (status?.requests ?? 0) > 0
  const done = () =>
    tally.passed + tally.errors.length >= MIN_REQUESTS &&
    counted() &&
    (central === null || acknowledged.length > 0)

  for (const deadline = Date.now() + LIMIT_MS; !done() && Date.now() < deadline; ) {
    await Promise.all(Array.from({ length: 4 }, () => visit(edge, tally)))
    status = await stack.status()
    acknowledged = central === null ? [] : await acknowledgedBy(stack, central)
    if (tally.errors.length > 0) await delay(100)
  }

  const second = status?.second
  const seen = [
    `mode: ${second?.mode ?? 'unknown'}`,
    `forecast: ${second ? forecastText(second.forecaster) : 'unknown'}`,
    `rps: ${second?.rps.toFixed(1) ?? 'unknown'}`,
    `anomaly: ${second?.anomaly?.score.toFixed(2) ?? 'none yet'}`,
    `policy version: ${second?.policy.version ?? 'unknown'}`,
    `acknowledged by: ${central === null ? 'nobody (island)' : acknowledged.join(', ') || 'nobody'}`,
    `requests passed: ${tally.passed}`,
    `errors: ${tally.errors.length}`,
    `failed open: ${status?.internalErrors ?? 'unknown'}`,
  ]
  const missed = [
    ...(tally.errors.length > 0
      ? [`${tally.errors.length} requests failed, the first: ${tally.errors[0]}`]
      : []),
    ...(counted() ? [] : ['the PoP counted no traffic']),
    ...(central !== null && acknowledged.length === 0
      ? [
          `no PoP acknowledged policy version ${central.version} (link: ${status?.link.state ?? 'unknown'}${status?.link.error ? `, ${status.link.error}` : ''})`,
        ]
      : []),
    ...(status !== null && status.internalErrors > 0
      ? [`ATLAS failed open ${status.internalErrors} times`]
      : []),
  ]
  return { seen, missed }
}

async function acknowledgedBy(
  stack: Stack,
  { client, version }: { client: CentralClient; version: number },
): Promise<string[]> {
  const pops = await client.rollout(stack.policyName)
  return pops
    .filter((pop) => pop.outcome === 'applied' && (pop.version ?? 0) >= version)
    .map((pop) => `${pop.pop} (${pop.latencyMs?.toFixed(0)} ms after the push)`)
}
