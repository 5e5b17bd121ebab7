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
  process.stdout.write(`central: ready ${central.url}\n`)
} catch (thrown) {
  const text =
    thrown instanceof AtlasError ? thrown.message : thrown instanceof Error ? thrown.stack : messageOf(thrown)
  process.stderr.write(`central: ${text}\n`)
  process.exit(1)
}
