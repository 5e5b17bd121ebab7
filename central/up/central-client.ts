import { setTimeout as delay } from 'node:timers/promises'
import { AtlasError } from '../../contract/errors.ts'
import { type Policy, parsePolicy } from '../../contract/policy.ts'
import type { PopRollout } from '../policy/rollout.ts'

/** Result of bringing a policy to central. */
export interface Pushed {
  readonly version: number
  /** False when central had it already. */
  readonly changed: boolean
}

/** Calls of central's API that a stack makes itself. */
export class CentralClient {
  readonly #url: string
  readonly #token: string

  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  /**
   * Pushes a policy where it differs from what central has; with `keep` only where central has none. Waits while central
   * has no NATS yet, up to the limit.
   * @throws AtlasError `sync/unavailable` after that, `policy/invalid` with central's words when it refuses
   */
  async bring(name: string, policy: Policy, { keep = false, limitMs = 15_000 } = {}): Promise<Pushed> {
    for (const deadline = Date.now() + limitMs; ; await delay(100)) {
      const current = await this.#ask(`/v1/policies/${name}`).catch(() => null)
      if (
        current?.ok &&
        (keep || JSON.stringify(parsePolicy(await current.json())) === JSON.stringify(policy))
      )
        return { version: versionOf(current), changed: false }
      if (current && (current.ok || current.status === 404)) {
        const headers: Record<string, string> = current.ok
          ? { 'if-match': current.headers.get('etag') ?? '' }
          : {}
        const put = await this.#ask(`/v1/policies/${name}`, {
          method: 'PUT',
          headers,
          body: JSON.stringify(policy),
        })
        if (put.ok) return { version: versionOf(put), changed: true }
        if (put.status !== 503 && put.status !== 412)
          throw new AtlasError('policy/invalid', `central refused the policy: ${await put.text()}`)
      }
      if (Date.now() > deadline)
        throw new AtlasError('sync/unavailable', `central did not take the policy within ${limitMs / 1000} s`)
    }
  }

  /** Who has which version; empty while central cannot tell. */
  async rollout(name: string): Promise<readonly PopRollout[]> {
    const response = await this.#ask(`/v1/policies/${name}/rollout`).catch(() => null)
    if (!response?.ok) return []
    return ((await response.json()) as { pops: PopRollout[] }).pops
  }

  #ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.#token}`, ...init.headers },
      signal: AbortSignal.timeout(5000),
    })
  }
}

function versionOf(response: Response): number {
  return Number(response.headers.get('etag')?.replace(/"/g, ''))
}
