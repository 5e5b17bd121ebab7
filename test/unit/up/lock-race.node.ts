import { writeFileSync } from 'node:fs'
import { StateDir } from '../../../central/up/state-dir.ts'

/** Tries for each directory at its moment, holds what it gets until its input ends, and says which those are. */
const [startMs = '0', ...folders] = process.argv.slice(2)
const won = folders.filter((folder, index) => {
  const atMs = Number(startMs) + index * 20
  while (Date.now() < atMs);
  try {
    new StateDir(folder).lock()
    return true
  } catch {
    return false
  }
})
writeFileSync(1, `${JSON.stringify(won)}\n`)
process.stdin.resume()
