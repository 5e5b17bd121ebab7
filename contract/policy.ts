import * as z from 'zod'
import { MAX_MODULES } from './coupling.ts'
import { AtlasError, type Fault, messageOf } from './errors.ts'
import { crossCheck, type Readable } from './policy-cross-check.ts'
import { faultsOf } from './policy-faults.ts'
import { parseRoute } from './route-pattern.ts'
import { isToken } from './subjects.ts'

const token = z.string().refine(isToken, 'must be 1 to 64 of letters, digits, "_" and "-"')
const rps = z.number().positive().max(1e9)
const seconds = z.number().min(0).max(86_400)

const route = z.string().superRefine((value, context) => {
  try {
    parseRoute(value)
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: messageOf(thrown) })
  }
})

/** `http(s)://host[:port][/base]`, `binding:NAME` for a service binding, or `self` for the handler ATLAS wraps. */
const target = z.string().refine(isTarget, {
  message:
    'must be "http(s)://host[:port][/base]" without query, "binding:NAME" (a service binding) or "self"',
})

function isTarget(value: string): boolean {
  if (value === 'self' || /^binding:[A-Za-z_][A-Za-z0-9_]*$/.test(value)) return true
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) return false
  const url = new URL(value)
  return url.search === '' && url.hash === '' && url.username === '' && url.password === ''
}

const step = z.enum(['on', 'shadow', 'off'])

const metricsPath = z.string().startsWith('/', 'must begin with "/"')

const contractSchema = z.strictObject({
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .max(3_600_000)
    .meta({ description: 'Time a call may take until its first byte.' }),
  idempotent: z
    .array(z.enum(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH']))
    .default(['GET', 'HEAD', 'OPTIONS'])
    .meta({ description: 'Methods whose calls may be sent twice.' }),
  state: z.enum(['none', 'shared']).meta({
    description: 'Where the module keeps its state: nowhere, or in a store that both targets share.',
  }),
})

const moduleSchema = z.strictObject({
  name: token,
  routes: z.array(route).min(1).max(64),
  priority: z.number().int().min(0).max(9).default(5).meta({ description: '0 is the highest.' }),
  tight: target
    .optional()
    .meta({ description: 'Where the module lives inside the monolith; default: `origin`.' }),
  loose: target.optional().meta({ description: 'Where the module runs as a service of its own.' }),
  health: z
    .string()
    .startsWith('/', 'must begin with "/"')
    .default('/healthz')
    .meta({ description: 'Path that answers 2xx when the target is ready.' }),
  metrics: metricsPath.optional().meta({
    description:
      'Path at which the module, at an address of its own, reports CPU, memory and queues; inside the monolith `originMetrics` counts.',
  }),
  contract: contractSchema.optional().meta({ description: 'Needed before the module can ever go loose.' }),
})

const couplingSchema = z.strictObject({
  hybrid: z.array(token).default([]).meta({ description: 'Modules that are broken out in HYBRID mode.' }),
  looseEnterRps: rps.default(5000),
  looseLeaveRps: rps.default(4000),
  hybridEnterRps: rps.default(1000),
  hybridLeaveRps: rps.default(800),
  leaveAfterS: seconds.default(300),
  anomalyLoose: z.number().min(0).max(1).default(0.85),
  anomalyForS: seconds.default(10),
  minDwellS: seconds.default(60),
  maxTransitionsPerHour: z.number().int().min(0).max(3600).default(12),
})

const limitSchema = z.strictObject({
  name: token,
  mode: step.default('on'),
  key: z
    .string()
    .regex(/^(client|route|header:[A-Za-z0-9-]{1,64})$/, 'must be "client", "route" or "header:NAME"')
    .default('client'),
  rps,
  burst: z.number().int().min(1).max(1e6),
  modules: z.array(token).optional().meta({ description: 'Only these modules; default: all.' }),
})

const policySchema = z
  .strictObject({
    apiVersion: z.literal('atlas/v1'),
    origin: target.meta({
      description: 'The monolith: where unrouted requests go, and the default tight target.',
    }),
    originMetrics: metricsPath
      .optional()
      .meta({ description: 'Path at which the monolith reports CPU, memory and queues.' }),
    modules: z.array(moduleSchema).min(1).max(MAX_MODULES),
    coupling: couplingSchema.prefault({}),
    autonomyLevel: z.number().int().min(0).max(4).default(3),
    limits: z.array(limitSchema).max(16).default([]),
    clientIpHeader: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a header in lower case, e.g. cf-connecting-ip')
      .default('cf-connecting-ip'),
    deadline: z
      .strictObject({
        mode: step.default('on'),
        defaultMs: z.number().int().min(1).max(3_600_000).default(30_000),
      })
      .prefault({}),
    steps: z
      .strictObject({ trace: step.default('on'), router: step.default('on'), tap: step.default('on') })
      .prefault({})
      .meta({
        description:
          'Trace context, coupling router (off: everything to the tight target `origin`) and telemetry; limits and deadline have modes of their own.',
      }),
    callGraph: z.enum(['on', 'off']).default('on').meta({
      description:
        'Learn which module calls which from the member `atlas=` of `tracestate`; off: it is neither read nor written.',
    }),
    forecast: z
      .strictObject({
        quantile: z.enum(['p10', 'p50', 'p90']).default('p50'),
        shadowDays: z.number().min(0).max(30).default(14).meta({
          description: "Days of the series' time a challenger is measured for before it can be promoted.",
        }),
        probationDays: z.number().min(0).max(30).default(1).meta({
          description:
            'Days for which a promoted model is measured beside the one before it, which comes back if it was better.',
        }),
      })
      .prefault({}),
    headers: z
      .strictObject({ decision: z.boolean().default(false), serverTiming: z.boolean().default(false) })
      .prefault({})
      .meta({
        description: 'Response headers that tell what ATLAS did; each costs a copy of the response head.',
      }),
  })
  .meta({ id: 'https://atlas.invalid/schemas/policy-v1.json', title: 'ATLAS policy' })

export type Policy = z.output<typeof policySchema>
/** A policy as a user writes it: what has a default may be left out. */
export type PolicyInput = z.input<typeof policySchema>
export type LimitPolicy = Policy['limits'][number]

/**
 * Parses and cross-checks a policy, once, at the border. Strict: an unknown key is a fault.
 * @throws AtlasError `policy/invalid` with every fault's path, e.g. `coupling.hybrid.0`
 */
export function parsePolicy(document: unknown): Policy {
  const parsed = policySchema.safeParse(document)
  const faults = parsed.success
    ? crossCheck(parsed.data)
    : [
        ...parsed.error.issues.flatMap((issue) => faultsOf(issue, document, policySchema)),
        ...crossCheck(readableOf(document)),
      ]
  if (!parsed.success || faults.length > 0) throw invalid(faults)
  return parsed.data
}

/** A policy of one module, `app`, that takes every route of one origin. */
export function singleOriginPolicy(origin: string): Policy {
  return parsePolicy({ apiVersion: 'atlas/v1', origin, modules: [{ name: 'app', routes: ['/*'] }] })
}

/** JSON Schema of the policy as a user writes it (defaults may be left out). */
export function policyJsonSchema(): object {
  return z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'any' })
}

function invalid(faults: readonly Fault[]): AtlasError {
  const first = faults[0]
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  return new AtlasError(
    'policy/invalid',
    `policy refused: ${first?.path || 'document'}: ${first?.message}${more}`,
    { faults },
  )
}

/** What of a faulty document can still be checked against the rest. */
function readableOf(document: unknown): Readable {
  const { modules, coupling, limits } = mapOf(document)
  const named = listOf(modules).map(mapOf)
  return {
    modules: named.map(({ name, loose, contract }) => ({
      name: typeof name === 'string' ? name : null,
      loose,
      contract,
    })),
    coupling: couplingSchema.prefault({}).safeParse(coupling ?? undefined).data ?? null,
    limits: listOf(limits)
      .map(mapOf)
      .map(({ name, modules: only }) => ({
        name: typeof name === 'string' ? name : null,
        modules: listOf(only).filter((each) => typeof each === 'string'),
      })),
  }
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
