import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { BenchOptions, Result } from '../harness.ts'

const root = path.resolve(import.meta.dirname, '../../..')

/** What is shipped: the deployed bundle, the Wasm core, the models. */
export default async function* size({ log }: BenchOptions): AsyncIterable<Result> {
  log('bundling the Worker')
  const out = await mkdtemp(path.join(os.tmpdir(), 'atlas-bench-'))
  try {
    await promisify(execFile)(
      path.join(root, 'node_modules/.bin/wrangler'),
      ['deploy', '--dry-run', '--outdir', out],
      { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    )
    const shipped = (await readdir(out)).filter((name) => !/\.map$|^README/.test(name))
    const packed = await Promise.all(
      shipped.map(async (name) => gzipSync(await readFile(path.join(out, name)), { level: 9 }).length),
    )
    yield kilobytes(
      'size.worker_gzip_kb',
      packed.reduce((sum, bytes) => sum + bytes, 0),
    )
  } finally {
    await rm(out, { recursive: true, force: true })
  }
  yield kilobytes('size.core_wasm_kb', (await readFile(path.join(root, 'core-wasm/build/core.wasm'))).length)
  for (const [key, file] of [
    ['size.forecaster_kb', 'forecaster.onnx'],
    ['size.forest_kb', 'forest.bin'],
  ] as const) {
    yield kilobytes(key, (await readFile(path.join(root, 'models', file))).length)
  }
}

function kilobytes(key: string, bytes: number): Result {
  return { key, value: bytes / 1000, unit: 'kB', n: 1 }
}
