// What must hold before `npm run deploy` uploads anything.
import { readFileSync } from 'node:fs'

const LOOPBACK = /^https?:\/\/(localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)(?=[:/]|$)/i

/**
 * One sentence on why a deployment would answer nobody, or null. A loopback address is no origin on Cloudflare.
 * @param {string} toml text of wrangler.toml
 * @param {readonly string[]} args arguments for `wrangler deploy`
 */
export function refusalOf(toml, args) {
  if (args.some((arg) => ['--dry-run', '--help', '-h'].includes(arg))) return null
  if (args.some((arg) => /^(--var=)?ATLAS_(ORIGIN|DEFAULT_POLICY):/.test(arg))) return null
  const origin = /^\s*ATLAS_ORIGIN\s*=\s*["']([^"']*)["']/m.exec(toml)?.[1]
  if (origin === undefined || !LOOPBACK.test(origin)) return null
  return `not deployed: ATLAS_ORIGIN in wrangler.toml is ${origin}, which is this machine and not reachable from Cloudflare; set it to your server's public address, or pass --var ATLAS_ORIGIN:https://…`
}

/** @param {readonly string[]} args */
export function checkDeployment(args) {
  const refusal = refusalOf(readFileSync('wrangler.toml', 'utf8'), args)
  if (refusal !== null) throw new Error(refusal)
}
