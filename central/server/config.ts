import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { parseTokenFile, type TokenFile } from '../auth/token-file.ts'
import { publicKeyOf } from '../nats/nkey.ts'
import { DEFAULT_LIMITS, type StreamLimits } from '../nats/streams.ts'
import { parseSigningKey, type SigningKey } from '../policy/signing-key.ts'

/** Central's variables. Secrets are named by file, so that they stand in no process list. */
const CENTRAL_VARS = {
  ATLAS_CENTRAL_HOST: 'address to listen on; default 127.0.0.1',
  ATLAS_CENTRAL_PORT: 'port to listen on, 0 for any free one; default 7070',
  ATLAS_CENTRAL_NATS_URL: 'ws:// or wss:// address of NATS; default ws://127.0.0.1:4223',
  ATLAS_CENTRAL_NATS_SEED_FILE: "file with central's nkey seed; default: none, for a server without users",
  ATLAS_CENTRAL_SIGNING_KEY_FILE: 'file with the key that signs policies (createSigningKey); needed',
  ATLAS_CENTRAL_TOKENS_FILE: 'file with hashed bearer tokens (createToken); needed; SIGHUP reads it again',
  ATLAS_CENTRAL_OPEN_READ: '1: reads need no token; only on a loopback address',
  ATLAS_CENTRAL_STALE_MS: 'a PoP is stale when nothing was heard of it for this long; default 5000',
  ATLAS_CENTRAL_GAUGE:
    'file that `npm run gauge` wrote: how workerd is started to measure a model before it is stored; default: none, and no model can be put',
  ATLAS_CENTRAL_TELEMETRY_BYTES: 'most bytes of telemetry kept in JetStream; default 512 MiB',
  ATLAS_CENTRAL_MINUTES_BYTES: 'most bytes of minutes kept for training, beside 35 days; default 1 GiB',
  ATLAS_TRAIN_EVERY_DAYS: 'days between trainings from what PoPs recorded, 0 for none; default 7',
} as const

export type CentralVars = { readonly [K in keyof typeof CENTRAL_VARS]?: string | undefined }

export interface CentralConfig {
  readonly host: string
  readonly port: number
  readonly nats: { readonly url: string; readonly seed: string | null }
  readonly signingKey: SigningKey
  readonly tokensFile: string
  readonly tokens: TokenFile
  readonly openRead: boolean
  readonly staleMs: number
  /** Configuration of workerd in which models are measured; null: none can be put. */
  readonly gauge: string | null
  readonly limits: StreamLimits
  /** Days between trainings by schedule; 0: none. */
  readonly trainEveryDays: number
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1'])

/**
 * Reads and checks central's whole configuration, once, at start.
 * @throws AtlasError `config/invalid` that names the variable and never quotes a secret
 */
export async function loadConfig(vars: CentralVars): Promise<CentralConfig> {
  const host = vars.ATLAS_CENTRAL_HOST || '127.0.0.1'
  const openRead = vars.ATLAS_CENTRAL_OPEN_READ === '1'
  if (openRead && !LOOPBACK.has(host)) {
    throw bad(
      'ATLAS_CENTRAL_OPEN_READ',
      `opens reads to everybody who reaches ${host}; it is for loopback only`,
    )
  }
  const seedFile = vars.ATLAS_CENTRAL_NATS_SEED_FILE
  const tokensFile = need(vars, 'ATLAS_CENTRAL_TOKENS_FILE')
  return {
    host,
    port: integer(vars, 'ATLAS_CENTRAL_PORT', 7070, 0, 65_535),
    nats: { url: natsUrl(vars), seed: seedFile ? seedOf(seedFile) : null },
    signingKey: await parseSigningKey(
      read('ATLAS_CENTRAL_SIGNING_KEY_FILE', need(vars, 'ATLAS_CENTRAL_SIGNING_KEY_FILE')),
    ),
    tokensFile,
    tokens: parseTokenFile(read('ATLAS_CENTRAL_TOKENS_FILE', tokensFile)),
    openRead,
    gauge: vars.ATLAS_CENTRAL_GAUGE || null,
    staleMs: integer(vars, 'ATLAS_CENTRAL_STALE_MS', 5_000, 100, 3_600_000),
    limits: {
      ...DEFAULT_LIMITS,
      telemetryBytes: integer(
        vars,
        'ATLAS_CENTRAL_TELEMETRY_BYTES',
        DEFAULT_LIMITS.telemetryBytes,
        1 << 20,
        2 ** 45,
      ),
      minutesBytes: integer(
        vars,
        'ATLAS_CENTRAL_MINUTES_BYTES',
        DEFAULT_LIMITS.minutesBytes,
        1 << 20,
        2 ** 45,
      ),
    },
    trainEveryDays: integer(vars, 'ATLAS_TRAIN_EVERY_DAYS', 7, 0, 365),
  }
}

function natsUrl(vars: CentralVars): string {
  const url = vars.ATLAS_CENTRAL_NATS_URL || 'ws://127.0.0.1:4223'
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url))
    throw bad('ATLAS_CENTRAL_NATS_URL', 'must be a ws:// or wss:// address')
  if (new URL(url).username !== '' || new URL(url).password !== '')
    throw bad('ATLAS_CENTRAL_NATS_URL', 'must hold no user or password; the nkey says who central is')
  return url
}

function seedOf(file: string): string {
  const seed = read('ATLAS_CENTRAL_NATS_SEED_FILE', file).trim()
  publicKeyOf(seed)
  return seed
}

function need(vars: CentralVars, name: keyof CentralVars): string {
  const value = vars[name]
  if (value) return value
  throw bad(name, `is not set: ${CENTRAL_VARS[name]}`)
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw bad(name, `cannot be read: ${messageOf(thrown)}`)
  }
}

function integer(
  vars: CentralVars,
  name: keyof CentralVars,
  fallback: number,
  min: number,
  max: number,
): number {
  const parsed = z.coerce
    .number()
    .int()
    .min(min)
    .max(max)
    .safeParse(vars[name] || fallback)
  if (parsed.success) return parsed.data
  throw bad(name, `must be a whole number from ${min} to ${max}`)
}

function bad(name: string, message: string): AtlasError {
  return new AtlasError('config/invalid', `${name} ${message}`)
}
