// Compiles assembly/ to core-wasm/build/core.wasm. Does nothing when that is newer than every source and this file.
import { mkdir, readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = 'core-wasm/build/core.wasm'
/** 4 MiB: fixed, because views over a memory that grows would detach. */
const pages = '64'

const sources = (await readdir(`${root}assembly`)).filter((name) => name.endsWith('.ts'))
const inputs = ['.ci/build-core.mjs', ...sources.map((name) => `assembly/${name}`)]
const changed = await Promise.all(inputs.map(async (path) => (await stat(root + path)).mtimeMs))
const built = await stat(root + output).then(
  (file) => file.mtimeMs,
  () => 0,
)
if (Math.max(...changed) >= built) await build()

async function build() {
  await mkdir(root + dirname(output), { recursive: true })
  const { default: asc } = await import('assemblyscript/asc')
  const { error, stderr } = await asc.main([
    'assembly/core.ts',
    '-O3',
    ...['--baseDir', root],
    ...['--outFile', output],
    ...['--runtime', 'stub'],
    ...['--enable', 'simd'],
    ...['--initialMemory', pages],
    ...['--maximumMemory', pages],
    ...['--use', 'abort='],
  ])
  if (error) {
    console.error(`${stderr.toString()}build of ${output} failed: ${error.message}`)
    process.exitCode = 1
    return
  }
  console.log(`build: ${output}, ${(await stat(root + output)).size} bytes`)
}
