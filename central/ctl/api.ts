import { AtlasError, type Fault } from '../../contract/errors.ts'
import type { Problem } from '../server/problem.ts'

/** Central refused a request; `problem` is its reason. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly problem: Problem
  /** File whose token was sent; null when none was, or it came from elsewhere. */
  readonly tokenFile: string | null

  constructor(problem: Problem, tokenFile: string | null = null) {
    super(`${problem.title}: ${problem.detail}`)
    this.problem = problem
    this.tokenFile = tokenFile
  }

  get faults(): readonly Fault[] {
    return this.problem.faults ?? []
  }
}

export interface ApiOptions {
  readonly url: string
  readonly token: string | null
  readonly tokenFile?: string
  /** Nobody asked for this token: a read that it is refused for is tried without. */
  readonly optionalToken?: boolean
  readonly timeoutMs?: number
}

/** A request, and how long its answer may take where that is not as usual. */
export type ApiRequest = RequestInit & { readonly timeoutMs?: number }

/** Central's HTTP API, for a command line. */
export class Api {
  readonly url: string
  readonly #token: string | null
  readonly #tokenFile: string | null
  readonly #optionalToken: boolean
  readonly #timeoutMs: number

  constructor({ url, token, tokenFile, optionalToken = false, timeoutMs = 10_000 }: ApiOptions) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
    this.#tokenFile = tokenFile ?? null
    this.#optionalToken = optionalToken
    this.#timeoutMs = timeoutMs
  }

  /** @throws Refused, or AtlasError `sync/unavailable` when central cannot be reached */
  async json<T>(path: string, init: ApiRequest = {}): Promise<T> {
    return (await (await this.send(path, init)).json()) as T
  }

  /** @throws Refused, or AtlasError `sync/unavailable` when central cannot be reached */
  async send(path: string, init: ApiRequest = {}): Promise<Response> {
    const response = await this.#ask(path, init, this.#token)
    if (response.ok) return response
    const refused = new Refused(await problemIn(response), this.#token === null ? null : this.#tokenFile)
    const isRead = (init.method ?? 'GET') === 'GET'
    if (this.#optionalToken && isRead && [401, 403].includes(response.status)) {
      const open = await this.#ask(path, init, null)
      if (open.ok) return open
      if (![401, 403].includes(open.status)) throw new Refused(await problemIn(open))
      await open.body?.cancel()
    }
    throw refused
  }

  async #ask(
    path: string,
    { timeoutMs = this.#timeoutMs, ...init }: ApiRequest,
    token: string | null,
  ): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token !== null) headers.set('authorization', `Bearer ${token}`)
    try {
      return await fetch(`${this.url}${path}`, {
        ...init,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
      })
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'TimeoutError')
        throw new AtlasError(
          'sync/unavailable',
          `central at ${this.url} did not answer within ${timeoutMs / 1000} s; its log says what it does`,
          { cause },
        )
      throw new AtlasError(
        'sync/unavailable',
        `cannot reach central at ${this.url}; start it with \`npm start\`, or name another with --url, or the state of another npm start with --state-dir`,
        { cause },
      )
    }
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
