import { spawn } from 'node:child_process'
import path from 'node:path'
import type { Part } from '../../../central/up/part.ts'
import { type BenchOptions, fromRounds, interleave, type Result } from '../harness.ts'
import type { Running } from '../load/process.ts'
import { residentMiB } from '../load/resident.ts'
import { type Bundle, bundleWorker, serveBundle, serveWorker } from '../peers/workerd.ts'
import { modelForms } from './predict-forms.ts'
import { benchStack, everythingOn } from './stack.ts'

const worker = path.resolve(import.meta.dirname, '../workers/predict.worker.ts')
const idle = path.resolve(import.meta.dirname, '../workers/idle.worker.ts')

/** The shipped forecaster in `workerd serve`: first session with its first window, then whole windows, alone and batched; memory; other forms of it. */
export default async function* predict({ quick, log }: BenchOptions): AsyncIterable<Result> {
  const [colds, rounds, runs] = quick ? [3, 9, 20] : [9, 21, 100]
  const cold: number[] = []
  let served: Running | null = null
  try {
    for (let start = 0; start < colds; start++) {
      await served?.stop()
      served = await serveWorker(worker)
      cold.push((await time(served, 1, 1)).coldMs ?? Number.NaN)
      log(`cold start ${start + 1} of ${colds}`)
    }
    yield fromRounds('predict.cold_ms', 'ms', cold)
    for (const series of [1, 10, 100]) {
      const figures: number[] = []
      for (let round = 0; served && round < rounds; round++) {
        figures.push((await time(served, series, Math.ceil(runs / series))).runMs)
      }
      yield fromRounds(series === 1 ? 'predict.window_ms' : `predict.batch${series}_ms`, 'ms', figures)
      log(`${series} series: done`)
    }
  } finally {
    await served?.stop()
  }
  yield* memory(quick ? 3 : 7, log)
  yield* modelForms({ quick, log })
  yield fromRounds(
    'predict.worker_cold_ms',
    'ms, process start to first answer',
    await workerStarts(colds, log),
  )
}

/** What a process of workerd holds when it forecasts N series, above one whose Worker answers and does nothing else. */
async function* memory(starts: number, log: (line: string) => void): AsyncIterable<Result> {
  const [bare, forecasting] = [await bundleWorker(idle), await bundleWorker(worker)]
  const figures = await interleave(
    {
      bare: () => resident(bare, '/'),
      '1': () => resident(forecasting, '/?series=1&runs=100'),
      '10': () => resident(forecasting, '/?series=10&runs=20'),
      '100': () => resident(forecasting, '/?series=100&runs=5'),
    },
    starts,
    () => {},
  )
  log(`memory: ${starts} starts each`)
  yield fromRounds('predict.rss_mib.bare', 'MiB, bare Worker', figures.bare)
  for (const series of ['1', '10', '100'] as const) {
    const above = figures[series].map((mib, round) => mib - (figures.bare[round] ?? Number.NaN))
    yield fromRounds(`predict.rss_mib.${series}`, 'MiB above the bare Worker', above)
  }
}

/** Of a fresh process, after one request. */
async function resident(bundle: Bundle, url: string): Promise<number> {
  const served = await serveBundle(bundle)
  try {
    const response = await fetch(`http://127.0.0.1:${served.port}${url}`)
    if (!response.ok)
      throw new Error(`the bench Worker answered ${response.status}: ${await response.text()}`)
    await response.arrayBuffer()
    return residentMiB(served.pid)
  } finally {
    await served.stop()
  }
}

async function time(
  served: Running,
  series: number,
  runs: number,
): Promise<{ coldMs: number | null; runMs: number }> {
  const response = await fetch(`http://127.0.0.1:${served.port}/?series=${series}&runs=${runs}`)
  if (!response.ok) throw new Error(`the bench Worker answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as { coldMs: number | null; runMs: number }
}

/** Starts of the deployed bundle: from the process's start to the answer of its first request (502: nothing is behind it). */
async function workerStarts(count: number, log: (line: string) => void): Promise<number[]> {
  const stack = await benchStack(everythingOn('http://127.0.0.1:9'))
  const starts: number[] = []
  try {
    const part = stack.part('edge')
    await part.stop()
    for (let start = 0; start < count; start++) starts.push(await startOnce(part, stack.urls.edges[0] ?? ''))
    log(`${count} starts of the Worker`)
    return starts
  } finally {
    await stack.stop()
  }
}

async function startOnce({ spec }: Part, url: string): Promise<number> {
  const began = performance.now()
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  try {
    while (performance.now() - began < 20_000) {
      const response = await fetch(`${url}/catalog/7`).catch(() => null)
      await response?.arrayBuffer()
      if (response) return performance.now() - began
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    throw new Error('the Worker did not answer in 20 s')
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}
