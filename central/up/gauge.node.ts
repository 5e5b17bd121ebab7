import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { bundleEdge } from './bundle.ts'
import { writeGauge } from './gauge.ts'

/** `npm run gauge -- DIR`: bundles the Worker and writes into DIR what a central of one's own measures models with. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const [directory, extra] = process.argv.slice(2)

if (directory === undefined || directory.startsWith('-') || extra !== undefined) {
  console.error('usage: npm run gauge -- DIR   (then ATLAS_CENTRAL_GAUGE=DIR/gauge.capnp for central)')
  process.exit(2)
}
try {
  const target = resolve(process.env.INIT_CWD ?? process.cwd(), directory)
  console.log(writeGauge(root, await bundleEdge(root, target), target))
} catch (thrown) {
  console.error(`atlas: ${thrown instanceof AtlasError ? thrown.message : messageOf(thrown)}`)
  process.exit(1)
}
