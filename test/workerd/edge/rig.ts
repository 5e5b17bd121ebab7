import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { inject } from 'vitest'
import type { PolicyInput } from '../../../contract/policy.ts'
import type { EdgeVars } from '../../../edge/control/config.ts'
import type { RouteTable } from '../../../edge/control/route-table.ts'
import type { FlushAnswer, FlushReport, PopStub } from '../../../edge/control/stubs.ts'
import type { Self } from '../../../edge/middleware/exchange.ts'
import { type AtlasOptions, createEdge } from '../../../edge/worker/edge.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    origin: string
  }
}

/** The real server that global set-up has started. */
export const ORIGIN = inject('origin')

export function policyOf(part: Partial<PolicyInput> = {}): PolicyInput {
  return { apiVersion: 'atlas/v1', origin: ORIGIN, modules: [{ name: 'app', routes: ['/*'] }], ...part }
}

/** What the origin's echo says of a request. */
export interface Echo {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export async function echoOf(response: Response): Promise<Echo & { readonly headers: Map<string, string> }> {
  const echo = (await response.json()) as Echo
  const headers = new Map<string, string>()
  for (let at = 0; at < echo.rawHeaders.length; at += 2) {
    headers.set((echo.rawHeaders[at] ?? '').toLowerCase(), echo.rawHeaders[at + 1] ?? '')
  }
  return { ...echo, headers }
}

/** A PoP object that answers what a test tells it to, and keeps what it was told. */
export class FakePop implements PopStub {
  readonly reports: FlushReport[] = []
  answer: () => Promise<FlushAnswer> = async () => ({ table: null, othersUse: [] })

  flush(report: FlushReport): Promise<FlushAnswer> {
    this.reports.push(report)
    return this.answer()
  }

  status(): never {
    throw new Error('not asked in these tests')
  }

  get namespace() {
    return { idFromName: (name: string) => name, get: () => this }
  }
}

/** ATLAS as a Worker runs it, for one test: a fresh isolate state, real fetch. */
export function edgeOf(
  policy: PolicyInput = policyOf(),
  { vars = {}, pop, bindings = {}, self = null, metrics }: RigOptions = {},
) {
  const edge = createEdge({ policy, vars: { ATLAS_TICK_MS: '20', ...vars }, ...(metrics && { metrics }) })
  const env = { ...bindings, ...(pop && { POP: pop.namespace }) }
  const send = async (path: string, init: RequestInit<RequestInitCfProperties> = {}): Promise<Response> => {
    const context = createExecutionContext()
    const response = await edge(new Request(`https://shop.example${path}`, init), env, context, self)
    settled.push(() => waitOnExecutionContext(context))
    return response
  }
  const settled: (() => Promise<void>)[] = []
  /** Waits for what went on in the background of all requests so far. */
  const background = async (): Promise<void> => {
    for (const wait of settled.splice(0)) await wait()
  }
  return { send, background }
}

interface RigOptions {
  readonly vars?: EdgeVars
  readonly pop?: FakePop
  readonly bindings?: Readonly<Record<string, unknown>>
  readonly self?: Self | null
  readonly metrics?: NonNullable<AtlasOptions['metrics']>
}

export function tableOf(policy: RouteTable['policy'], part: Partial<RouteTable> = {}): RouteTable {
  return {
    version: 1,
    policyName: 'default',
    policyVersion: 1,
    policy,
    vector: 0,
    mode: 'TIGHT',
    ...part,
  }
}
