import { AtlasError, type Fault } from '../../contract/errors.ts'
import type { Problem } from '../server/problem.ts'

/** Central refused a request; `problem` is its reason. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(`${problem.title}: ${problem.detail}`)
    this.problem = problem
  }

  get faults(): readonly Fault[] {
    return this.problem.faults ?? []
  }
}

export interface ApiOptions {
  readonly url: string
  readonly token: string | null
  readonly timeoutMs?: number
}

/** Central's HTTP API, for a command line. */
export class Api {
  readonly url: string
  readonly #token: string | null
  readonly #timeoutMs: number

  constructor({ url, token, timeoutMs = 10_000 }: ApiOptions) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
    this.#timeoutMs = timeoutMs
  }

  /** @throws Refused, or AtlasError `sync/unavailable` when central cannot be reached */
  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await (await this.send(path, init)).json()) as T
  }

  /** @throws Refused, or AtlasError `sync/unavailable` when central cannot be reached */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#token !== null) headers.set('authorization', `Bearer ${this.#token}`)
    const signal = AbortSignal.timeout(this.#timeoutMs)
    let response: Response
    try {
      response = await fetch(`${this.url}${path}`, { ...init, headers, signal })
    } catch (cause) {
      throw new AtlasError(
        'sync/unavailable',
        `cannot reach central at ${this.url}; start it with \`npm start\`, or name another with --url`,
        { cause },
      )
    }
    if (response.ok) return response
    throw new Refused(await problemIn(response))
  }
}

async function problemIn(response: Response): Promise<Problem> {
  const text = await response.text()
  if (response.headers.get('content-type')?.startsWith('application/problem+json'))
    return JSON.parse(text) as Problem
  const status = response.status as Problem['status']
  const detail = 'what answers there does not look like central'
  return { type: 'about:blank', title: `HTTP ${status}`, status, detail, code: 'unknown' }
}
