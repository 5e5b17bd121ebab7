import { messageOf } from '../../contract/errors.ts'
import type { PopStub } from '../control/stubs.ts'
import { problemResponse } from '../middleware/problem.ts'

/** Answers the status path: the PoP object's state, to who has the token. */
export async function status(
  request: Request,
  token: string,
  pop: string,
  stubOf: () => PopStub | null,
): Promise<Response> {
  const given = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
  if (given === undefined || !(await equal(given, token))) {
    return problemResponse({
      status: 401,
      title: 'Unauthorized',
      detail: 'The status needs "authorization: Bearer" with the token of ATLAS_ADMIN_TOKEN.',
      headers: { 'www-authenticate': 'Bearer realm="atlas"' },
    })
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problemResponse({
      status: 405,
      title: 'Method Not Allowed',
      detail: 'The status can only be read.',
      headers: { allow: 'GET, HEAD' },
    })
  }
  try {
    const stub = stubOf()
    if (stub === null) throw new Error('no PoP object is bound as POP')
    const state = await stub.status(pop)
    return Response.json(state, { headers: { 'cache-control': 'no-store' } })
  } catch (thrown) {
    return problemResponse({
      status: 503,
      title: 'Service Unavailable',
      detail: `The PoP object does not answer: ${messageOf(thrown)}`,
    })
  }
}

/** Refuses a request whose `Host` is none, as RFC 9112 §3.2 asks. */
export function badHost(): Response {
  return problemResponse({
    status: 400,
    title: 'Bad Request',
    detail: 'The Host header must be a host name, with or without a port.',
  })
}

/** Compares in a time that does not depend on the texts: their hashes are compared, all bytes of them. */
async function equal(left: string, right: string): Promise<boolean> {
  const digest = async (text: string) =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  const [a, b] = await Promise.all([digest(left), digest(right)])
  let differ = 0
  for (let index = 0; index < a.length; index++) differ |= (a[index] ?? 0) ^ (b[index] ?? 0)
  return differ === 0
}
