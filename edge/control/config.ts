import * as z from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import { type Policy, parsePolicy, singleOriginPolicy } from '../../contract/policy.ts'
import { REAL_TIME, type TimeScale } from '../../contract/ports.ts'
import type { TrustedKeys } from '../../contract/signed-policy.ts'
import { isToken } from '../../contract/subjects.ts'

/** The Worker's variables and secrets, as wrangler or the self-hosted configuration sets them. All are text. */
export interface EdgeVars {
  /** Name of the PoP; default: Cloudflare's colo, else `local`. */
  readonly ATLAS_POP?: string
  /** Name of the policy this PoP follows; default `default`. */
  readonly ATLAS_POLICY?: string
  /** The origin, when no default policy is given: one module `app` that takes every route. */
  readonly ATLAS_ORIGIN?: string
  /** Policy in force until central has sent one: JSON. */
  readonly ATLAS_DEFAULT_POLICY?: string
  /** Keys a policy may be signed with: JSON, key id to raw Ed25519 public key in base64. */
  readonly ATLAS_POLICY_KEYS?: string
  /** `ws://` or `wss://` address of NATS, and the PoP's nkey seed. Without them the PoP runs as an island. */
  readonly ATLAS_NATS_URL?: string
  readonly ATLAS_NATS_SEED?: string
  /** Opens the status path; without it the path is passed on to the origin like any other. */
  readonly ATLAS_ADMIN_TOKEN?: string
  /** Time scale of a replay: JSON {wallStartMs, startMs, speed, weight}. */
  readonly ATLAS_TIME_SCALE?: string
  /** Milliseconds of wall time between ticks and between flushes; 20 to 1000, default 1000. */
  readonly ATLAS_TICK_MS?: string
}

export interface EdgeConfig {
  /** Null: take the colo of the request. */
  readonly pop: string | null
  readonly policyName: string
  readonly defaultPolicy: Policy
  readonly trustedKeys: TrustedKeys
  readonly nats: { readonly url: string; readonly seed: string } | null
  readonly adminToken: string | null
  readonly scale: TimeScale
  readonly tickMs: number
}

const scaleSchema = z.strictObject({
  wallStartMs: z.number(),
  startMs: z.number(),
  speed: z.number().positive(),
  weight: z.number().positive(),
})

/** @throws AtlasError `config/invalid` that names the variable, or `policy/invalid` for the default policy */
export function parseConfig(vars: EdgeVars): EdgeConfig {
  const tickMs = Number(vars.ATLAS_TICK_MS ?? 1000)
  if (!(tickMs >= 20 && tickMs <= 1000))
    throw bad('ATLAS_TICK_MS', 'must be a number from 20 to 1000', vars.ATLAS_TICK_MS)
  return {
    pop: vars.ATLAS_POP ? tokenVar('ATLAS_POP', vars.ATLAS_POP) : null,
    policyName: tokenVar('ATLAS_POLICY', vars.ATLAS_POLICY || 'default'),
    defaultPolicy: defaultPolicy(vars),
    trustedKeys: jsonVar('ATLAS_POLICY_KEYS', vars.ATLAS_POLICY_KEYS, z.record(z.string(), z.string())) ?? {},
    nats: natsOf(vars),
    adminToken: vars.ATLAS_ADMIN_TOKEN || null,
    scale: jsonVar('ATLAS_TIME_SCALE', vars.ATLAS_TIME_SCALE, scaleSchema) ?? REAL_TIME,
    tickMs,
  }
}

function defaultPolicy(vars: EdgeVars): Policy {
  if (vars.ATLAS_DEFAULT_POLICY)
    return parsePolicy(jsonVar('ATLAS_DEFAULT_POLICY', vars.ATLAS_DEFAULT_POLICY, z.unknown()))
  if (vars.ATLAS_ORIGIN) return singleOriginPolicy(vars.ATLAS_ORIGIN)
  throw new AtlasError(
    'config/invalid',
    'set ATLAS_ORIGIN to the address of your server, or ATLAS_DEFAULT_POLICY to a policy',
  )
}

function natsOf(vars: EdgeVars): EdgeConfig['nats'] {
  const { ATLAS_NATS_URL: url, ATLAS_NATS_SEED: seed, ATLAS_POP: pop } = vars
  if (!url) return null
  if (!/^wss?:\/\//.test(url)) throw bad('ATLAS_NATS_URL', 'must begin with ws:// or wss://', url)
  if (!seed)
    throw new AtlasError(
      'config/invalid',
      'ATLAS_NATS_URL is set, so ATLAS_NATS_SEED (the nkey seed of this PoP) is needed too',
    )
  if (!pop)
    throw new AtlasError(
      'config/invalid',
      'ATLAS_NATS_URL is set, so ATLAS_POP is needed too: the nkey belongs to one PoP',
    )
  return { url, seed }
}

function tokenVar(name: string, value: string): string {
  if (!isToken(value)) throw bad(name, 'must be 1 to 64 of letters, digits, "_" and "-"', value)
  return value
}

function jsonVar<T>(name: string, text: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (!text) return undefined
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw bad(name, 'must be JSON', text)
  }
  const parsed = schema.safeParse(document)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw bad([name, ...(issue?.path ?? [])].join('.'), issue?.message ?? 'has the wrong form', text)
}

function bad(name: string, message: string, value: unknown): AtlasError {
  return new AtlasError(
    'config/invalid',
    `${name} ${message}, but is ${JSON.stringify(value)?.slice(0, 120)}`,
  )
}
