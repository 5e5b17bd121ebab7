import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { Hono } from 'hono'

const FOLDER = new URL('./browser/', import.meta.url)
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

interface Asset {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The status page: `/` and the files beside it, read once at start. The scripts are TypeScript with erasable types only,
 * so serving them takes no build step: Node blanks the types out, line for line.
 */
export function pageRoutes(): Hono {
  const routes = new Hono()
  for (const [path, asset] of readAssets()) {
    routes.get(path, (context) => {
      if (context.req.header('if-none-match') === asset.headers.etag)
        return context.body(null, 304, { ...asset.headers })
      return context.body(asset.body, 200, { ...asset.headers })
    })
  }
  return routes
}

function readAssets(): Map<string, Asset> {
  const files = readdirSync(FOLDER).map((file): [string, Asset] => {
    const kind = file.slice(file.lastIndexOf('.') + 1)
    const text = readFileSync(new URL(file, FOLDER), 'utf8')
    const body = kind === 'ts' ? stripTypeScriptTypes(text) : text
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const headers = {
      'content-type': TYPES[kind] ?? 'application/octet-stream',
      'content-security-policy': CSP,
      'cache-control': 'no-cache',
      etag,
    }
    return [file === 'index.html' ? '/' : `/page/${file}`, { body, headers }]
  })
  return new Map(files)
}
