import { type ChildProcess, spawn } from 'node:child_process'

/** Reads `add PID` and `drop PID`; at the end of its input it kills every process that was not dropped. */
const SCRIPT = `
trap '' INT TERM HUP
held=' '
while read -r verb pid; do
  case $verb in
    add) held="$held$pid " ;;
    drop) case $held in *" $pid "*) held="\${held%% $pid *} \${held#* $pid }" ;; esac ;;
  esac
done
for pid in $held; do kill -9 "$pid"; done
`

/**
 * Ties child processes to the life of this one: when this process ends in any way, kill -9 included, they end too.
 * A small shell holds the other end of a pipe; the kernel closes ours with us.
 */
export class Leash {
  readonly #shell: ChildProcess

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    this.#shell.on('error', () => undefined)
    this.#shell.stdin?.on('error', () => undefined)
    this.#shell.unref()
  }

  add(pid: number): void {
    this.#shell.stdin?.write(`add ${pid}\n`)
  }

  drop(pid: number): void {
    this.#shell.stdin?.write(`drop ${pid}\n`)
  }

  /** Lets go: kills what is still held, and resolves when the shell has ended. */
  async release(): Promise<void> {
    if (this.#shell.exitCode !== null) return
    const ended = new Promise((resolve) => this.#shell.once('close', resolve))
    this.#shell.ref()
    this.#shell.stdin?.end()
    await ended
  }
}
