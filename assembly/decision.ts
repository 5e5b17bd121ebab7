/**
 * The rule table. What each rule and guard means stands at contract/decision.ts; the same table in plain TypeScript,
 * for the tests, at core-wasm/decision-oracle.ts.
 *
 *   box       0  f64  nowMs               64  f64  leaveAfterMs      128  f64  belowLooseSinceMs   (-1: not running)
 *             8  f64  measuredRps         72  f64  anomalyLoose      136  f64  belowHybridSinceMs
 *            16  f64  predictedRps        80  f64  anomalyForMs      144  f64  anomalySinceMs
 *            24  f64  anomalyScore        88  f64  minDwellMs        152  u32  crashed
 *            32  f64  looseEnterRps       96  f64  maxTransitions    156  u32  vector
 *            40  f64  looseLeaveRps      104  f64  autonomyLevel     160  u32  loosable
 *            48  f64  hybridEnterRps     112  f64  transitions       164  u32  hybrid
 *            56  f64  hybridLeaveRps     120  f64  modeSinceMs       168  u32  out: proposed
 *   176 bytes. The four times and `vector` are read, and replaced by the decision's.   172  u32  out: rule | guard << 8
 */
export const DECISION_BYTES: i32 = 176

// @ts-ignore: decorator
@inline const CRASH = 0
// @ts-ignore: decorator
@inline const CRASH_TIGHT = 1
// @ts-ignore: decorator
@inline const SURGE_LOOSE = 2
// @ts-ignore: decorator
@inline const ANOMALY_LOOSE = 3
// @ts-ignore: decorator
@inline const CALM_HYBRID = 4
// @ts-ignore: decorator
@inline const SURGE_HYBRID = 5
// @ts-ignore: decorator
@inline const CALM_TIGHT = 6
// @ts-ignore: decorator
@inline const STEADY = 7

// @ts-ignore: decorator
@inline const GUARD_NONE = 0
// @ts-ignore: decorator
@inline const GUARD_DWELL = 1
// @ts-ignore: decorator
@inline const GUARD_RATE = 2
// @ts-ignore: decorator
@inline const GUARD_AUTONOMY = 3

/** Level from which ATLAS may act by itself. */
// @ts-ignore: decorator
@inline const AUTONOMY_TO_ACT: f64 = 3

export function decisionRun(box: usize): void {
  const now = load<f64>(box)
  const measured = load<f64>(box, 8)
  const predicted = load<f64>(box, 16)
  const leaveAfter = load<f64>(box, 64)
  const crashed = load<u32>(box, 152)
  const vector = load<u32>(box, 156)
  const loosable = load<u32>(box, 160)
  const crashedLoose = crashed & vector & loosable
  const hybrid = load<u32>(box, 164) & loosable

  const modeSince = min(load<f64>(box, 120), now)
  const belowLoose = since(measured < load<f64>(box, 40), load<f64>(box, 128), now)
  const belowHybrid = since(measured < load<f64>(box, 56), load<f64>(box, 136), now)
  const anomaly = since(load<f64>(box, 24) > load<f64>(box, 72), load<f64>(box, 144), now)

  const rps = predicted > measured ? predicted : measured
  const current = vector & loosable
  const surging = rps > load<f64>(box, 32)
  const anomalous = anomaly >= 0 && now - anomaly >= load<f64>(box, 80)
  const loose = current != 0 && current == loosable

  let rule = STEADY
  let proposed = vector
  if ((crashed & ~vector & loosable) != 0) {
    rule = CRASH
    proposed = loosable & ~crashedLoose
  } else if (crashedLoose != 0) {
    rule = CRASH_TIGHT
    proposed = vector & ~crashedLoose
  } else if (surging || anomalous) {
    if (current != loosable) {
      rule = surging ? SURGE_LOOSE : ANOMALY_LOOSE
      proposed = loosable
    }
  } else if (loose && hybrid != loosable) {
    if (belowLoose >= 0 && now - max(belowLoose, modeSince) >= leaveAfter) {
      rule = CALM_HYBRID
      proposed = hybrid
    }
  } else if (rps > load<f64>(box, 48)) {
    if (current == 0 && hybrid != 0) {
      rule = SURGE_HYBRID
      proposed = hybrid
    }
  } else if (current != 0 && belowHybrid >= 0 && now - max(belowHybrid, modeSince) > leaveAfter) {
    rule = CALM_TIGHT
    proposed = 0
  }

  let guard = GUARD_NONE
  if (rule != STEADY) {
    if (load<f64>(box, 104) < AUTONOMY_TO_ACT) guard = GUARD_AUTONOMY
    else if (rule != CRASH && rule != CRASH_TIGHT) {
      if (now - modeSince < load<f64>(box, 88)) guard = GUARD_DWELL
      else if (load<f64>(box, 112) >= load<f64>(box, 96)) guard = GUARD_RATE
    }
  }
  const moves = rule != STEADY && guard == GUARD_NONE
  store<f64>(box, moves ? now : modeSince, 120)
  store<f64>(box, belowLoose, 128)
  store<f64>(box, belowHybrid, 136)
  store<f64>(box, anomaly, 144)
  store<u32>(box, moves ? proposed : vector, 156)
  store<u32>(box, proposed, 168)
  store<u32>(box, rule | (guard << 8), 172)
}

/** Since when a condition holds: -1 when it does not, and from now on when its start is not known or not yet come. */
// @ts-ignore: decorator
@inline
function since(holds: bool, start: f64, now: f64): f64 {
  return holds ? (start >= 0 && start <= now ? start : now) : -1
}
