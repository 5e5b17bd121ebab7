import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AtlasError } from '../../contract/errors.ts'
import { isToken } from '../../contract/subjects.ts'
import { natsServerConfig, RESERVED_POP } from '../nats/server-config.ts'
import { type Keys, keysOf, StateDir } from './state-dir.ts'

export const KEYS_USAGE = `atlasctl keys [POP…]                 keys for central and each PoP, and nats-server's configuration

What is there already is kept, so call it again to add a PoP. Then send nats-server SIGHUP.

  --dir DIR       where keys/ and nats.conf are written (atlas-keys); not the directory of an npm start
  --revoke POP    take a PoP's key away; may be given more than once
  --host ADDRESS  address nats-server binds to (127.0.0.1); it has no TLS of its own, so keep it behind an ingress
  --port N        port of nats-server (4222); its WebSocket takes the next one
`

export interface KeysWish {
  readonly dir: string
  readonly pops: readonly string[]
  readonly revoke: readonly string[]
  readonly host: string
  readonly port: number
}

/**
 * Makes the keys that are missing, writes nats-server's configuration for all PoPs that have one, and says which variables
 * central and the PoPs need.
 * @throws AtlasError `config/invalid` for a name or port, `setup/failed` while an npm start has the directory
 */
export async function makeKeys({ dir, pops, revoke, host, port }: KeysWish): Promise<string> {
  for (const name of [...pops, ...revoke])
    if (!isToken(name))
      throw new AtlasError(
        'config/invalid',
        `a PoP's name must be 1 to 64 of letters, digits, "_" and "-", but is ${JSON.stringify(name)}`,
      )
  if (pops.includes(RESERVED_POP))
    throw new AtlasError('config/invalid', `a PoP cannot be named "${RESERVED_POP}"`)
  const state = new StateDir(resolve(dir))
  state.lock()
  try {
    const known = popsOf(state)
    const unknown = revoke.find((name) => !known.includes(name))
    if (unknown !== undefined)
      throw new AtlasError(
        'config/invalid',
        `--revoke: no PoP "${unknown}" has a key here (there are: ${known.join(', ') || 'none'})`,
      )
    const names = [...new Set([...known, ...pops])].filter((name) => !revoke.includes(name)).sort()
    const keys = await keysOf(state, names)
    const config = natsServerConfig({
      host,
      port,
      websocketPort: port + 1,
      storeDir: state.file('nats'),
      central: keys.centralNkey.publicKey,
      pops: keys.pops,
    })
    for (const name of revoke) rmSync(state.file('keys', seedFile(name)))
    writeFileSync(state.file('nats.conf'), config, { mode: 0o600 })
    return advice(state, keys, host, port)
  } finally {
    state.unlock()
  }
}

function popsOf(state: StateDir): string[] {
  return readdirSync(state.directory('keys')).flatMap((file) => /^pop-(.+)\.nkey$/.exec(file)?.[1] ?? [])
}

function seedFile(pop: string): string {
  return `pop-${pop}.nkey`
}

function advice(state: StateDir, keys: Keys, host: string, port: number): string {
  const lines = [
    `nats-server -c ${state.file('nats.conf')}`,
    '',
    'central:',
    `  ATLAS_CENTRAL_NATS_URL=ws://${host}:${port + 1}`,
    `  ATLAS_CENTRAL_NATS_SEED_FILE=${keys.centralNkey.seedFile}`,
    `  ATLAS_CENTRAL_SIGNING_KEY_FILE=${keys.signingKeyFile}`,
    `  ATLAS_CENTRAL_TOKENS_FILE=${keys.tokensFile}`,
    '',
    'each PoP:',
    `  ATLAS_POLICY_KEYS=${JSON.stringify(keys.trusted)}`,
    '  ATLAS_NATS_URL=the address of that WebSocket, or wss:// of your ingress before it',
    ...keys.pops.flatMap(({ name }) => [
      `  PoP ${name}: ATLAS_POP=${name}, and the secret ATLAS_NATS_SEED from ${state.file('keys', seedFile(name))}`,
    ]),
    '',
    `operator's token for atlasctl: ${state.file('keys', 'operator.token')}`,
  ]
  return `${lines.join('\n')}\n`
}
