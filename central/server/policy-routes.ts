import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { stringify } from 'yaml'
import { AtlasError } from '../../contract/errors.ts'
import { isToken } from '../../contract/subjects.ts'
import type { Scope } from '../auth/token-file.ts'
import { diff } from '../policy/diff.ts'
import type { PolicyRecord } from '../policy/policy-record.ts'
import { requireExpected } from '../policy/policy-store.ts'
import { MAX_POLICY_BYTES, parsePolicyText } from '../policy/policy-text.ts'
import { rolloutOf } from '../policy/rollout.ts'
import { expectedOf } from './precondition.ts'
import { problem, problemResponse } from './problem.ts'
import type { Services } from './services.ts'

/** `/v1/policies…`: push with compare-and-set, read, history, dry run, rollout. */
export function policyRoutes(services: Services, guard: (scope: Scope) => MiddlewareHandler): Hono {
  const { store } = services
  const routes = new Hono()

  routes.get('/', guard('read'), async (context) => {
    const names = await store.names()
    const records = await Promise.all(names.map((name) => store.current(name)))
    return context.json({ policies: records.flatMap((record) => (record ? [summaryOf(record)] : [])) })
  })

  routes.put(
    '/:name',
    async (context, next) => guard(isDryRun(context) ? 'read' : 'push')(context, next),
    bodyLimit({ maxSize: MAX_POLICY_BYTES, onError: tooLarge }),
    async (context) => {
      const name = nameOf(context)
      const policy = parsePolicyText(await context.req.text())
      const before = await store.current(name)
      const dryRun = isDryRun(context)
      const expected = expectedOf(context.req.raw.headers, before?.version ?? null, dryRun)
      requireExpected(name, before, expected)
      const changes = diff(before?.policy, policy)
      if (dryRun) {
        return context.json({ name, dryRun, version: (before?.version ?? 0) + 1, created: !before, changes })
      }
      const record = await store.push(name, policy, expected, context.get('caller') ?? 'unknown')
      services.counters.pushes += 1
      services.broadcast.send({ event: 'policy', data: summaryOf(record) })
      return context.json(
        { ...summaryOf(record), created: !before, changes },
        before ? 200 : 201,
        headersOf(record),
      )
    },
  )

  routes.get('/:name', guard('read'), async (context) => {
    const record = await find(services, nameOf(context), context.req.query('version'))
    const accept = context.req.header('accept') ?? ''
    const headers = headersOf(record)
    if (context.req.header('if-none-match') === headers.etag) return context.body(null, 304, headers)
    if (accept.includes('yaml'))
      return context.body(stringify(record.policy), 200, { ...headers, 'content-type': 'application/yaml' })
    if (accept.includes('application/vnd.atlas.signed-policy+json')) {
      const type = { 'content-type': 'application/vnd.atlas.signed-policy+json' }
      return context.body(record.envelope, 200, { ...headers, ...type })
    }
    return context.json(record.policy, 200, headers)
  })

  routes.get('/:name/history', guard('read'), async (context) => {
    const name = nameOf(context)
    const records = await store.history(name)
    if (records.length === 0) throw notFound(name)
    const versions = records.map((record, index) => ({
      ...summaryOf(record),
      changes: diff(records[index + 1]?.policy, record.policy).length,
    }))
    return context.json({ name, versions })
  })

  routes.get('/:name/rollout', guard('read'), async (context) => {
    const { version, issuedAtMs } = await find(services, nameOf(context), undefined)
    const pops = rolloutOf(
      nameOf(context),
      version,
      services.view.pops(),
      services.wallMs(),
      services.staleMs,
    )
    return context.json({ name: nameOf(context), version, issuedAtMs, pops })
  })

  return routes
}

function summaryOf({ name, version, issuedAtMs, by, keyId }: PolicyRecord): object {
  return { name, version, issuedAtMs, by, keyId }
}

function headersOf(record: PolicyRecord): Record<string, string> & { etag: string } {
  return {
    etag: `"${record.version}"`,
    'last-modified': new Date(record.issuedAtMs).toUTCString(),
    vary: 'accept',
    ...(record.by === null ? {} : { 'atlas-pushed-by': record.by }),
  }
}

async function find(services: Services, name: string, version: string | undefined): Promise<PolicyRecord> {
  if (version === undefined) {
    const record = await services.store.current(name)
    if (record) return record
    throw notFound(name)
  }
  if (!/^[1-9]\d{0,8}$/.test(version))
    throw new AtlasError(
      'message/invalid',
      `version must be a whole number from 1, but is ${JSON.stringify(version)}`,
    )
  const records = await services.store.history(name)
  const found = records.find((record) => record.version === Number(version))
  if (found) return found
  const kept = records.length === 0 ? 'none' : `${records.at(-1)?.version} to ${records[0]?.version}`
  throw new AtlasError('policy/not-found', `policy "${name}" has no version ${version} (kept: ${kept})`)
}

function nameOf(context: Context): string {
  const name = context.req.param('name') ?? ''
  if (isToken(name)) return name
  throw new AtlasError(
    'message/invalid',
    `a policy's name must be 1 to 64 of letters, digits, "_" and "-", but is ${JSON.stringify(name.slice(0, 80))}`,
  )
}

function notFound(name: string): AtlasError {
  return new AtlasError(
    'policy/not-found',
    `there is no policy "${name}"; make it with PUT /v1/policies/${name}`,
  )
}

function isDryRun(context: Context): boolean {
  return ['true', '1', ''].includes(context.req.query('dryRun') ?? 'false')
}

function tooLarge(): Response {
  const detail = `a policy may have at most ${MAX_POLICY_BYTES} bytes`
  return problemResponse(problem(413, 'policy/syntax', 'The policy is too large', detail))
}
