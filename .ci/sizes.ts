// Size budgets (.ci/budgets.json): what is shipped must not grow unnoticed. A budget is raised in the change that needs it, with the reason.
import { execFile } from 'node:child_process'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

interface Budget {
  readonly what: string
  /** Absent: the Worker as it would be uploaded. */
  readonly file?: string
  readonly maxKb: number
  readonly why: string
}

/** Prints the table of sizes; returns what is over its budget, or the empty text. */
export async function checkSizes(root: string): Promise<string> {
  const budgets: readonly Budget[] = JSON.parse(readFileSync(join(root, '.ci/budgets.json'), 'utf8'))
  const over: string[] = []
  for (const { what, file, maxKb, why } of budgets) {
    const kb = file ? statSync(join(root, file)).size / 1024 : await workerGzipKb(root)
    console.log(`     ${what.padEnd(28)} ${kb.toFixed(0).padStart(6)} of ${String(maxKb).padStart(6)} kB`)
    if (kb > maxKb) over.push(`${what} is ${kb.toFixed(1)} kB, its budget is ${maxKb} kB (${why})`)
  }
  return over.join('\n')
}

/** Size of the Worker as it would be uploaded: what `wrangler deploy --dry-run` says. */
async function workerGzipKb(root: string): Promise<number> {
  const outdir = await mkdtemp(join(tmpdir(), 'atlas-size-'))
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(root, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', outdir],
      { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' } },
    )
    const size = /gzip: ([\d.]+) (KiB|MiB)/.exec(stdout)
    if (!size) throw new Error(`wrangler did not say the size:\n${stdout}`)
    return Number(size[1]) * (size[2] === 'MiB' ? 1024 : 1)
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}
