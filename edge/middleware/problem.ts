/** A fault told to the client: problem details for HTTP APIs (RFC 9457). */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
  /** URI of the kind of problem; default `about:blank`. */
  readonly type?: string
  /** Further members, and headers of the response. */
  readonly members?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** The response of a problem, `application/problem+json`, not to be stored. */
export function problemResponse({ status, title, detail, type, members, headers }: Problem): Response {
  return new Response(JSON.stringify({ type: type ?? 'about:blank', title, status, detail, ...members }), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
}
