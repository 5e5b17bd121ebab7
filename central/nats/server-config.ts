import { AtlasError } from '../../contract/errors.ts'
import { popPermissions } from '../../contract/subjects.ts'

export interface NatsServerOptions {
  /** Address both listeners bind to; default 127.0.0.1. */
  readonly host?: string
  /** Port of the plain NATS protocol. */
  readonly port: number
  /** Port of the WebSocket listener, which edge and central use. */
  readonly websocketPort: number
  /** Directory of JetStream's files. */
  readonly storeDir: string
  /** Most bytes JetStream may keep on disk; default 4 GiB. */
  readonly maxFileBytes?: number
  /** Public nkey of central, which may do everything. */
  readonly central: string
  /** One nkey per PoP, with the rights of `popPermissions` and no others. */
  readonly pops: readonly { readonly name: string; readonly nkey: string }[]
}

/** A PoP of this name could write into central's own audit subject. */
export const RESERVED_POP = 'central'

/**
 * Text of a nats-server configuration file: loopback listeners (TCP and WebSocket without TLS), JetStream on disk,
 * one user per nkey. To add or revoke a PoP, write the file anew and send the server SIGHUP.
 * @throws AtlasError `config/invalid` for a name, key or port that cannot stand
 */
export function natsServerConfig(options: NatsServerOptions): string {
  const { host = '127.0.0.1', maxFileBytes = 4 * 1024 ** 3 } = options
  const keys = [options.central, ...options.pops.map((pop) => pop.nkey)]
  const names = options.pops.map((pop) => pop.name)
  for (const key of keys) checkNkey(key)
  refuseTwice('nkey', keys)
  refuseTwice('PoP', names)
  if (names.includes(RESERVED_POP)) throw invalid(`a PoP cannot be named "${RESERVED_POP}"`)
  const users = [
    `    { nkey: ${options.central} }`,
    ...options.pops.map((pop) => `    ${popUser(pop.name, pop.nkey)}`),
  ]
  return `server_name: "atlas"
listen: ${quote(`${host}:${port('port', options.port)}`)}
max_payload: 1048576
max_connections: 4096
websocket {
  listen: ${quote(`${host}:${port('websocketPort', options.websocketPort)}`)}
  no_tls: true
}
jetstream {
  store_dir: ${quote(options.storeDir)}
  max_memory_store: 67108864
  max_file_store: ${maxFileBytes}
}
authorization {
  users = [
${users.join('\n')}
  ]
}
`
}

function popUser(name: string, nkey: string): string {
  const { publish, subscribe } = popPermissions(name)
  const list = (subjects: readonly string[]) => `[${subjects.map(quote).join(', ')}]`
  return `{ nkey: ${nkey}, permissions: { publish: { allow: ${list(publish.allow)} }, subscribe: { allow: ${list(subscribe.allow)} } } }`
}

/** A double-quoted string of NATS's configuration language: it knows JSON's \\ and \" escapes, and no control characters. */
function quote(text: string): string {
  if (/\p{Cc}/u.test(text)) throw invalid(`control character in ${JSON.stringify(text)}`)
  return JSON.stringify(text)
}

function checkNkey(key: string): void {
  if (!/^U[A-Z2-7]{55}$/.test(key)) throw invalid(`not the public key of a user nkey: ${JSON.stringify(key)}`)
}

function port(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value
  throw invalid(`${name} must be a whole number from 1 to 65535, but is ${value}`)
}

function refuseTwice(what: string, values: readonly string[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index)
  if (twice !== undefined) throw invalid(`${what} ${JSON.stringify(twice)} stands twice`)
}

function invalid(message: string): AtlasError {
  return new AtlasError('config/invalid', `nats-server configuration: ${message}`)
}
