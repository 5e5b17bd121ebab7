import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, lifeOf } from '../up/lock-file.ts'

const PREFIX = 'atlas-training-'
/** Process, its start where the system tells it, and what mkdtemp adds. */
const NAME = /^atlas-training-(\d+)(?:-(\d+))?-\w{6}$/

/** Makes an empty folder that only this user reads. Those of processes that are gone are removed: who is killed tidies nothing up. */
export function makeTrainingFolder(): string {
  const root = tmpdir()
  for (const name of readdirSync(root)) {
    const [, pid, start] = NAME.exec(name) ?? []
    if (pid === undefined || isAlive(start === undefined ? pid : `${pid} ${start}`)) continue
    try {
      rmSync(join(root, name), { recursive: true, force: true })
    } catch {
      // it is another user's
    }
  }
  return mkdtempSync(join(root, `${PREFIX}${lifeOf(process.pid).replace(' ', '-')}-`))
}
