import { accessSync, constants } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { type Running, run } from '../load/process.ts'

/** A program of the machine, or null where it is not installed. */
export function installed(name: string): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']) {
    const file = path.join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {}
  }
  return null
}

const folder = () => mkdtemp(path.join(os.tmpdir(), 'atlas-bench-'))

/** nginx as a keep-alive reverse proxy with one worker process. */
export async function nginx(binary: string, originPort: number): Promise<Running> {
  const [place, port] = [await folder(), await freePort()]
  await writeFile(
    path.join(place, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${place}/nginx.pid; error_log ${place}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${place}/b; proxy_temp_path ${place}/p;
  fastcgi_temp_path ${place}/f; uwsgi_temp_path ${place}/u; scgi_temp_path ${place}/s;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000;
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}`,
  )
  return run(binary, ['-p', place, '-c', path.join(place, 'nginx.conf')], port)
}

/** haproxy in HTTP mode with connection reuse and one thread. */
export async function haproxy(binary: string, originPort: number): Promise<Running> {
  const [place, port] = [await folder(), await freePort()]
  await writeFile(
    path.join(place, 'haproxy.cfg'),
    `global
  nbthread 1
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort}
`,
  )
  return run(binary, ['-db', '-f', path.join(place, 'haproxy.cfg')], port)
}

/** A Node process that proxies with undici. */
export async function undici(originPort: number): Promise<Running> {
  const port = await freePort()
  const script = path.join(import.meta.dirname, 'undici-proxy.node.ts')
  return run(process.execPath, [script, String(port), `http://127.0.0.1:${originPort}`], port)
}
