import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ErrorCode, Fault } from '../../contract/errors.ts'
import { AtlasError } from '../../contract/errors.ts'

/** A refusal as RFC 9457 "problem details", with ATLAS's stable code and the place of each fault. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: ContentfulStatusCode
  readonly detail: string
  readonly code: string
  readonly faults?: readonly Fault[]
}

const TITLES: Partial<Record<ErrorCode, readonly [ContentfulStatusCode, string]>> = {
  'policy/syntax': [422, 'The policy cannot be read'],
  'policy/invalid': [422, 'The policy has faults'],
  'policy/conflict': [412, 'The policy has changed in the meantime'],
  'policy/not-found': [404, 'There is no such policy'],
  'model/unreadable': [422, 'The model cannot be used'],
  'model/shape': [422, 'The model does not fit this build'],
  'model/slow': [422, 'The model is too slow'],
  'model/syntax': [422, 'The model cannot be read'],
  'model/not-found': [404, 'There is no such model'],
  'model/not-proven': [409, 'The model is not proven yet'],
  'model/conflict': [412, 'The release does not allow this now'],
  'model/training': [409, 'Training does not allow this now'],
  'message/invalid': [400, 'The request has a fault'],
  'config/invalid': [400, 'The request has a fault'],
  'auth/missing': [401, 'A token is needed'],
  'auth/denied': [403, 'The token does not allow this'],
  'setup/missing-tool': [503, 'Central cannot measure models'],
  'sync/unavailable': [503, 'NATS is away'],
}

/** The problem of an error that was thrown; a bug says nothing of its inside. */
export function problemOf(thrown: unknown): Problem {
  if (!(thrown instanceof AtlasError)) {
    return problem(500, 'internal', 'Central failed', 'a bug in central; its log says more')
  }
  const [status, title] = TITLES[thrown.code] ?? [500, 'Central failed']
  return problem(status, thrown.code, title, thrown.message, thrown.faults)
}

export function problem(
  status: ContentfulStatusCode,
  code: string,
  title: string,
  detail: string,
  faults: readonly Fault[] = [],
): Problem {
  return {
    type: `https://atlas.invalid/problems/${code}`,
    title,
    status,
    detail,
    code,
    ...(faults.length > 0 ? { faults } : {}),
  }
}

/** The response of a problem (`application/problem+json`). */
export function problemResponse(value: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), {
    status: value.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  })
}
