import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { Leash } from '../up/leash.ts'
import { JOB_FILE, RESULT_FILE, type TrainingJob, type TrainingResult } from './job.ts'
import { makeTrainingFolder } from './training-folder.ts'

const PROGRAM = fileURLToPath(new URL('job.node.ts', import.meta.url))
/** Of what the process says on stderr, how much is told when it fails. */
const REASON_BYTES = 2_000

/** What a training left: its result, and the files that the result names. */
export interface Trained {
  readonly result: TrainingResult
  file(name: string): Uint8Array<ArrayBuffer>
}

export interface TrainingProcess {
  /** Resolves with what it left; rejects with `setup/failed` and the reason when there is none. */
  readonly done: Promise<Trained>
  /** Ends it at once. */
  kill(): void
  /** Removes its folder. */
  remove(): void
}

/**
 * Starts a training in a process of its own with the lowest priority, so that neither its CPU nor its garbage is felt here.
 * It ends with this process, however that ends.
 * @param files what the job names, by name
 * @throws Error of the file system when its folder cannot be written; nothing is left then
 */
export function startTraining(
  job: TrainingJob,
  files: Readonly<Record<string, Uint8Array>>,
  report: (line: string) => void,
): TrainingProcess {
  const folder = makeTrainingFolder()
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    writeFileSync(join(folder, JOB_FILE), JSON.stringify(job))
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  } catch (thrown) {
    remove()
    throw thrown
  }
  const { PATH, ATLAS_DATA } = process.env
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...(PATH && { PATH }), ...(ATLAS_DATA && { ATLAS_DATA }) },
  })
  lowerPriority(child)
  holdOn(child)
  createInterface({ input: child.stdout }).on('line', report)
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-REASON_BYTES)
  })
  const done = new Promise<Trained>((resolve, reject) => {
    const fail = (why: string) => reject(new AtlasError('setup/failed', `the training failed: ${why}`))
    child.once('error', (thrown) => fail(messageOf(thrown)))
    child.once('close', (code, signal) => {
      if (code !== 0) return fail(signal === null ? said.trim() || `exit code ${code}` : `ended by ${signal}`)
      const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)))
      try {
        resolve({ result: JSON.parse(new TextDecoder().decode(read(RESULT_FILE))), file: read })
      } catch (thrown) {
        fail(messageOf(thrown))
      }
    })
  })
  return {
    done,
    kill: () => child.kill('SIGKILL'),
    remove,
  }
}

/** A process that is left alone by a crash would train on for hours, for nobody. */
function holdOn(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  const leash = new Leash()
  leash.add(pid)
  child.once('close', () => {
    leash.drop(pid)
    void leash.release()
  })
}

/** At once after the start, so that the threads it is yet to make inherit it. */
function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // a system that knows no priorities trains with the usual one
  }
}
