import http from 'node:http'

/** The origin of the benchmarks: a small JSON answer, nothing else. Prints its port and serves until its stdin closes. */
const body = Buffer.from(
  JSON.stringify({ id: 7, name: 'lamp', priceCents: 4200, stock: 12, text: 'x'.repeat(200) }),
)
const server = http.createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : address}`)
})
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
