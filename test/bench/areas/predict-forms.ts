import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { exportModel } from '../../../central/train/export.ts'
import { FORECASTER_SHAPE } from '../../../central/train/network.ts'
import { readWeights } from '../../../central/train/onnx-weights.ts'
import { type BenchOptions, fromRounds, interleave, type Result } from '../harness.ts'
import type { Running } from '../load/process.ts'
import { dynamicQuantizeForm } from '../peers/dynamic-quantize.ts'
import { serveWorker } from '../peers/workerd.ts'

const worker = path.resolve(import.meta.dirname, '../workers/forms.worker.ts')
const shipped = path.resolve(import.meta.dirname, '../../../models/forecaster.onnx')

/** Of the series' level: beyond it two forms are two models. */
const LARGEST_DIFFERENCE = 0.1

/** One window in workerd by the shipped weights in each form. */
export async function* modelForms({ quick, log }: BenchOptions): AsyncIterable<Result> {
  const qdq = new Uint8Array(await readFile(shipped))
  const weights = readWeights(qdq, FORECASTER_SHAPE)
  const forms = {
    fp32: exportModel(FORECASTER_SHAPE, weights, 'fp32'),
    'qdq-int8': qdq,
    'dynamic-int8': dynamicQuantizeForm(FORECASTER_SHAPE, weights),
  }
  const served = await serveWorker(worker)
  try {
    for (const [name, model] of Object.entries(forms))
      await call(served, name, { method: 'POST', body: model.slice() })
    const [rounds, runs] = quick ? [9, 20] : [21, 100]
    const answers = new Map<string, readonly number[]>()
    const timed = (name: string) => async () => {
      const { runMs, answer } = await call(served, `${name}?runs=${runs}`)
      answers.set(name, answer)
      return runMs
    }
    const figures = await interleave(
      { fp32: timed('fp32'), 'qdq-int8': timed('qdq-int8'), 'dynamic-int8': timed('dynamic-int8') },
      rounds,
      () => {},
    )
    agree(answers)
    for (const [name, rows] of Object.entries(figures))
      yield fromRounds(`predict.form_ms.${name}`, 'ms', rows)
    log('forms: done')
  } finally {
    await served.stop()
  }
}

/** A figure of models that answer differently compares nothing. */
function agree(answers: ReadonlyMap<string, readonly number[]>): void {
  const exact = answers.get('fp32') ?? []
  for (const [name, answer] of answers) {
    const apart = Math.max(...answer.map((value, at) => Math.abs(value - (exact[at] ?? Number.NaN))))
    if (!(apart < LARGEST_DIFFERENCE)) throw new Error(`the forms disagree: ${name} by ${apart} of the level`)
  }
}

async function call(
  { port }: Running,
  path: string,
  init: RequestInit = {},
): Promise<{ runMs: number; answer: readonly number[] }> {
  const response = await fetch(`http://127.0.0.1:${port}/${path}`, init)
  if (!response.ok) throw new Error(`the bench Worker answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as { runMs: number; answer: readonly number[] }
}
