import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AtlasError } from '../../contract/errors.ts'
import type { TrustedKeys } from '../../contract/signed-policy.ts'
import { createToken, parseTokenFile } from '../auth/token-file.ts'
import { createNkey, publicKeyOf } from '../nats/nkey.ts'
import { createSigningKey } from '../policy/signing-key.ts'
import { claimLock, releaseLock } from './lock-file.ts'

/** The directory in which one stack keeps its keys, NATS store, Durable Objects, shop database and logs. */
export class StateDir {
  readonly path: string

  constructor(path: string) {
    this.path = path
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  directory(...parts: string[]): string {
    const path = this.file(...parts)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  /**
   * Claims the directory for this process.
   * @returns whether the last one that had it did not give it back, so that its state is being taken up
   * @throws AtlasError `setup/failed` when the one that has it still runs
   */
  lock(): boolean {
    const claim = claimLock(this.file('lock'))
    if (claim.kind !== 'held') return claim.kind === 'left'
    throw new AtlasError(
      'setup/failed',
      `another ATLAS (pid ${claim.pid}) runs with ${this.path}; stop it, or choose another directory with --state-dir`,
    )
  }

  unlock(): void {
    releaseLock(this.file('lock'))
  }

  /** Text of a secret file (mode 0600), made once; a file is there whole or not at all. */
  async secret(name: string, make: () => string | Promise<string>): Promise<string> {
    const file = this.file('keys', name)
    if (!existsSync(file)) this.#writeSecret(name, await make())
    return readFileSync(file, 'utf8').trim()
  }

  /** A token of central: its own file, and its hash among those that central knows. */
  token(name: string, tokensName: string): Promise<string> {
    return this.secret(`${name}.token`, () => {
      const file = this.file('keys', tokensName)
      const known = existsSync(file) ? parseTokenFile(readFileSync(file, 'utf8')).tokens : []
      const { token, entry } = createToken(name, ['admin'])
      const tokens = [...known.filter((each) => each.name !== name), entry]
      this.#writeSecret(tokensName, JSON.stringify({ tokens }, null, 2))
      return token
    })
  }

  #writeSecret(name: string, text: string): void {
    const file = join(this.directory('keys'), name)
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
}

/** Everything secret that a stack needs, made once and kept. */
export interface Keys {
  readonly centralNkey: { readonly seedFile: string; readonly publicKey: string }
  readonly pops: readonly { readonly name: string; readonly seed: string; readonly nkey: string }[]
  readonly signingKeyFile: string
  readonly trusted: TrustedKeys
  readonly tokensFile: string
  /** May push policy to central. */
  readonly operatorToken: string
  /** Opens the edge's status path. */
  readonly adminToken: string
}

export async function keysOf(state: StateDir, pops: readonly string[]): Promise<Keys> {
  const central = await state.secret('central.nkey', () => createNkey().seed)
  const signing = JSON.parse(
    await state.secret('signing.json', async () => JSON.stringify(await createSigningKey(), null, 2)),
  ) as { keyId: string; publicKey: string }
  const seeds = pops.map(async (name) => {
    const seed = await state.secret(`pop-${name}.nkey`, () => createNkey().seed)
    return { name, seed, nkey: publicKeyOf(seed) }
  })
  return {
    centralNkey: { seedFile: state.file('keys', 'central.nkey'), publicKey: publicKeyOf(central) },
    pops: await Promise.all(seeds),
    signingKeyFile: state.file('keys', 'signing.json'),
    trusted: { [signing.keyId]: signing.publicKey },
    tokensFile: state.file('keys', 'tokens.json'),
    operatorToken: await state.token('operator', 'tokens.json'),
    adminToken: await state.secret('admin.token', () => createToken('admin', ['read']).token),
  }
}
