import { AtlasError, messageOf } from '../../contract/errors.ts'
import { systemClock } from '../../contract/ports.ts'
import { startCentral } from './central.ts'
import { type CentralVars, loadConfig } from './config.ts'
import { createLog } from './log.ts'

const log = createLog((line) => process.stderr.write(line))

try {
  const config = await loadConfig(process.env as CentralVars)
  const central = await startCentral(config, log, systemClock().wallMs)
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await central.stop()
    log('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => central.reloadTokens())
  // a rejection inside the NATS client, at the moment a connection breaks, must not end the service
  process.on('unhandledRejection', (reason) => log('bug', { error: stackOf(reason) }))
  process.stdout.write(`central: ready ${central.url}\n`)
} catch (thrown) {
  process.stderr.write(`central: ${thrown instanceof AtlasError ? thrown.message : stackOf(thrown)}\n`)
  process.exit(1)
}

function stackOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.stack : undefined) ?? messageOf(thrown)
}
