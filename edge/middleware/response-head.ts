/**
 * A response with other headers; the body goes on streaming. As it came where the runtime cannot make such a response anew: a
 * WebSocket's, and a status outside of 200 to 599, which `fetch` hands out but the constructor refuses.
 */
export function withHeaders(response: Response, change: (headers: Headers) => void): Response {
  const { status, statusText, body } = response
  if (response.webSocket !== null || status < 200 || status > 599) return response
  const headers = new Headers(response.headers)
  change(headers)
  return new Response(body, { status, statusText, headers })
}
