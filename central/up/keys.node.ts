import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { KEYS_USAGE, makeKeys } from './key-ring.ts'

/** `atlasctl keys`: keys and nats-server's configuration of an ATLAS that is run part by part. */
try {
  const { values, positionals } = parse()
  if (values.help) process.stdout.write(KEYS_USAGE)
  else
    process.stdout.write(
      await makeKeys({
        dir: resolve(process.env.INIT_CWD ?? process.cwd(), values.dir),
        pops: positionals,
        revoke: values.revoke,
        host: values.host,
        port: Number(values.port),
      }),
    )
} catch (thrown) {
  process.stderr.write(`atlasctl: ${thrown instanceof AtlasError ? thrown.message : messageOf(thrown)}\n`)
  process.exitCode = thrown instanceof AtlasError ? 1 : 2
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      dir: { type: 'string', default: 'atlas-keys' },
      revoke: { type: 'string', multiple: true, default: [] },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '4222' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}
