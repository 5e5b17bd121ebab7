import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import type { Parameter } from '../../../central/train/network.ts'
import { encodeSafetensors } from '../../../central/train/safetensors.ts'

const script = path.resolve(import.meta.dirname, 'train-torch.py')

/** A training program in PyTorch that waits to be told how many steps to take. */
export interface TorchTrainer {
  /** Losses of its first three steps. */
  readonly losses: readonly number[]
  /** Windows a second over so many steps. */
  run(steps: number): Promise<number>
  stop(): Promise<void>
}

/** Starts it on the system's Python, else the first on the PATH; null where neither has PyTorch. */
export async function startTorch(tensors: readonly Parameter[]): Promise<TorchTrainer | null> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'atlas-bench-'))
  const file = path.join(folder, 'given.safetensors')
  await writeFile(file, encodeSafetensors(tensors))
  for (const python of ['/usr/bin/python3', 'python3']) {
    const started = await start(python, file, folder)
    if (started !== null) return started
  }
  await rm(folder, { recursive: true })
  return null
}

async function start(python: string, file: string, folder: string): Promise<TorchTrainer | null> {
  const child = spawn(python, [script, file], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  })
  const gone = new Promise<void>((resolve) => {
    child.on('error', () => resolve())
    child.on('exit', () => resolve())
  })
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const first = await lines.next()
  if (first.done) return null
  return {
    losses: String(first.value).split(' ').map(Number),
    run: async (steps) => {
      child.stdin.write(`${steps}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('the program in PyTorch ended')
      return Number(value)
    },
    stop: async () => {
      child.stdin.end()
      await gone
      await rm(folder, { recursive: true })
    },
  }
}
