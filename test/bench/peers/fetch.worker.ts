/** The least a proxying Worker can do. */
export default {
  fetch(request: Request, env: { ORIGIN: string }): Promise<Response> {
    const path = request.url.slice(request.url.indexOf('/', 8))
    return fetch(new Request(env.ORIGIN + path, request), { redirect: 'manual' })
  },
}
