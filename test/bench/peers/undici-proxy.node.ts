import http from 'node:http'
import { Pool } from 'undici'

/** A Node reverse proxy over undici: `undici-proxy.node.ts PORT ORIGIN`. */
const [port, origin] = [Number(process.argv[2]), process.argv[3] ?? '']
const pool = new Pool(origin, { connections: 64, pipelining: 1 })

http
  .createServer((request, response) => {
    const { connection: _, ...headers } = request.headers
    pool.stream(
      { path: request.url ?? '/', method: (request.method ?? 'GET') as 'GET', headers, body: request },
      ({ statusCode, headers: answer }) => response.writeHead(statusCode, answer as http.OutgoingHttpHeaders),
      (error) => {
        if (error) response.destroy()
      },
    )
  })
  .listen(port, '127.0.0.1')
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
