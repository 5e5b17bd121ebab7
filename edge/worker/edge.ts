import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { PolicyInput } from '../../contract/policy.ts'
import { type Metrics, systemClock } from '../../contract/ports.ts'
import { type EdgeVars, parseConfig } from '../control/config.ts'
import type { Self } from '../middleware/exchange.ts'
import { problemResponse } from '../middleware/problem.ts'
import { cryptoRandom } from '../pipeline/crypto-random.ts'
import { type Background, Isolate } from '../pipeline/isolate.ts'

export interface AtlasOptions {
  /** Policy in force until central has sent one; default: `ATLAS_DEFAULT_POLICY` or `ATLAS_ORIGIN`, else all to the wrapped handler. */
  readonly policy?: PolicyInput
  /** Variables that come before those of the environment. */
  readonly vars?: EdgeVars
  /** Counters of what ATLAS did: limited, past the deadline, unreachable, internal errors; also what shadow mode would have done. */
  readonly metrics?: Metrics
}

/** One request through ATLAS; never rejects. */
export type Edge = (
  request: Request,
  env: object,
  background: Background,
  self: Self | null,
) => Promise<Response>

const NO_METRICS: Metrics = { count() {} }

/**
 * ATLAS for one isolate. It is configured by the environment of the first request; when that is not valid, every
 * request is answered 500 with the variable to mend, so that a broken configuration cannot look like a working one.
 */
export function createEdge(options: AtlasOptions = {}, fallbackOrigin?: 'self'): Edge {
  let isolate: Isolate | Response | undefined
  return async function edge(request, env, background, self) {
    isolate ??= build(env, options, fallbackOrigin)
    if (isolate instanceof Response) return isolate.clone()
    return isolate.handle(request, env as Readonly<Record<string, unknown>>, background, self)
  }
}

function build(env: object, options: AtlasOptions, fallbackOrigin?: 'self'): Isolate | Response {
  try {
    const given: EdgeVars = { ...(env as EdgeVars), ...options.vars }
    const origin = given.ATLAS_ORIGIN ?? fallbackOrigin
    const policy = options.policy && JSON.stringify(options.policy)
    const config = parseConfig({
      ...given,
      ...(origin === undefined ? {} : { ATLAS_ORIGIN: origin }),
      ...(policy === undefined ? {} : { ATLAS_DEFAULT_POLICY: policy }),
    })
    const ports = {
      random: cryptoRandom(),
      wallMs: systemClock().wallMs,
      sleep: (ms: number) => scheduler.wait(ms),
      metrics: options.metrics ?? NO_METRICS,
    }
    return new Isolate(config, ports, 'POP' in env)
  } catch (thrown) {
    return problemResponse({
      status: 500,
      title: 'ATLAS is not configured',
      detail: messageOf(thrown),
      members: thrown instanceof AtlasError ? { code: thrown.code, faults: thrown.faults } : {},
    })
  }
}
