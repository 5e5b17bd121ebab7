import { join } from 'node:path'
import type { CentralVars } from '../server/config.ts'
import type { PartSpec } from './part.ts'
import { answers } from './probe.ts'
import type { Keys } from './state-dir.ts'

/** The central brain as a process of its own; reads are open, for it listens on loopback alone. */
export function centralPart(options: {
  root: string
  keys: Keys
  port: number
  natsUrl: string
  gauge: string
  logFile: string
}): PartSpec {
  const { root, keys, port, natsUrl, gauge, logFile } = options
  const vars: CentralVars = {
    ATLAS_CENTRAL_HOST: '127.0.0.1',
    ATLAS_CENTRAL_PORT: String(port),
    ATLAS_CENTRAL_NATS_URL: natsUrl,
    ATLAS_CENTRAL_NATS_SEED_FILE: keys.centralNkey.seedFile,
    ATLAS_CENTRAL_SIGNING_KEY_FILE: keys.signingKeyFile,
    ATLAS_CENTRAL_TOKENS_FILE: keys.tokensFile,
    ATLAS_CENTRAL_OPEN_READ: '1',
    ATLAS_CENTRAL_GAUGE: gauge,
  }
  return {
    name: 'central',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(root, 'central/server/main.node.ts')],
    env: Object.fromEntries(
      Object.entries(vars).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    cwd: root,
    logFile,
    answers: () => answers(`http://127.0.0.1:${port}/healthz`),
  }
}
