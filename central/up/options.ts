import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'

/** What the command line of `npm start` asks for. */
export interface UpOptions {
  readonly check: boolean
  readonly help: boolean
  readonly quiet: boolean
  readonly nats: boolean
  /** Requests a second to send through the edge; 0 = none. */
  readonly traffic: number
  /** The user's own server, instead of the storefront. */
  readonly origin: string | null
  readonly policyFile: string | null
  readonly stateDir: string | null
  readonly ports: {
    readonly edge: number
    readonly central: number
    readonly nats: number
    readonly storefront: number
  }
}

export const USAGE = `npm start                                   the whole of ATLAS in front of the example storefront
npm start -- --origin http://localhost:3000 in front of your own server
npm start -- --check                        start, send traffic through, say what was seen, stop; exit code 0 or 1

  --origin URL            your server; wins over the origin of a policy file
  --policy FILE           policy to start with (YAML or JSON); default ./atlas.policy.yaml, else one module "app" for
                          --origin, else the example storefront's
  --traffic RPS           send that many requests a second through the edge, 1 to 1000
  --port N                port of the edge (default 8787); 0 takes any free port, here and below
  --central-port N        port of the central brain (7070)
  --nats-port N           port of NATS; its WebSocket takes the next one (4222)
  --storefront-port N     first of five ports for the example storefront (9000)
  --state-dir DIR         keys, databases and logs (.atlas)
  --no-nats               island: the edge alone, without NATS and central
  --quiet                 no line per second
  --help                  this text
`

const FLAGS = {
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  quiet: { type: 'boolean', short: 'q', default: false },
  'no-nats': { type: 'boolean', default: false },
  origin: { type: 'string' },
  policy: { type: 'string' },
  'state-dir': { type: 'string' },
  traffic: { type: 'string', default: '0' },
  port: { type: 'string', default: '8787' },
  'central-port': { type: 'string', default: '7070' },
  'nats-port': { type: 'string', default: '4222' },
  'storefront-port': { type: 'string', default: '9000' },
} as const

/** @throws AtlasError `config/invalid` that names the flag and lists those there are */
export function parseOptions(args: readonly string[]): UpOptions {
  let values: ReturnType<typeof parse>
  try {
    values = parse(args)
  } catch (cause) {
    const said = messageOf(cause).split('. ')[0]
    const known = Object.keys(FLAGS).map((name) => `--${name}`)
    throw new AtlasError('config/invalid', `${said}; there are: ${known.join(', ')}`, { cause })
  }
  return {
    check: values.check,
    help: values.help,
    quiet: values.quiet,
    nats: !values['no-nats'],
    traffic: trafficOf(values.traffic),
    origin: values.origin === undefined ? null : originOf(values.origin),
    policyFile: values.policy ?? null,
    stateDir: values['state-dir'] ?? null,
    ports: {
      edge: portOf('port', values.port),
      central: portOf('central-port', values['central-port']),
      nats: portOf('nats-port', values['nats-port'], 2),
      storefront: portOf('storefront-port', values['storefront-port'], 5),
    },
  }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values
}

/** `count` ports in a row, the first of them given; 0 = any free ones. */
function portOf(flag: string, text: string, count = 1): number {
  const port = Number(text)
  const last = 65_536 - count
  if (/^\d+$/.test(text) && port <= last) return port
  throw new AtlasError(
    'config/invalid',
    `--${flag} must be a whole number from 0 (any free port) to ${last}, but is ${JSON.stringify(text)}`,
  )
}

function trafficOf(text: string): number {
  const rps = Number(text)
  if (/^\d+$/.test(text) && rps <= 1000) return rps
  throw new AtlasError(
    'config/invalid',
    `--traffic must be a whole number of requests a second from 0 to 1000, but is ${JSON.stringify(text)}`,
  )
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '')
    return text.replace(/\/$/, '')
  throw new AtlasError(
    'config/invalid',
    `--origin must be an address like http://localhost:3000, but is ${JSON.stringify(text)}`,
  )
}
