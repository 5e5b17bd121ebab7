import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { ROOT } from '../support/stack.ts'

/** Any free port for everything, so that tests run beside a stack in use. */
export const FREE_PORTS = ['--port', '0', '--central-port', '0', '--nats-port', '0', '--storefront-port', '0']

/** `npm start` as a user runs it: in a process group of its own, with its output kept. */
export class StartRun {
  output = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<number | string>

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, ['.ci/run-script.mjs', 'start', ...args], {
      cwd: ROOT,
      env: { ...process.env, INIT_CWD: ROOT, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.output += text.toString()
      })
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
    )
  }

  /** Exit code, or the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended
  }

  /** Pids of everything it started, itself first. */
  pids(): number[] {
    const children = childrenOf()
    const pids = [this.#child.pid ?? 0]
    for (const pid of pids) pids.push(...(children.get(pid) ?? []))
    return pids
  }

  /** As Ctrl-C in a terminal: to the whole foreground group. */
  interrupt(): void {
    process.kill(-(this.#child.pid ?? 0), 'SIGINT')
  }

  /** The address a `ready:` line names for a part. */
  url(part: 'edge' | 'central' | 'origin'): string {
    const found = new RegExp(`^ready: .*${part} (http://\\S+)`, 'm').exec(this.output)
    if (!found?.[1]) throw new Error(`no ${part} in:\n${this.output}`)
    return found[1]
  }

  async kill(): Promise<void> {
    for (const pid of this.pids().reverse()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it has ended by itself
      }
    }
    await this.#ended
  }
}

/** Whether a process still runs; one that has ended and was not yet waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
  } catch {
    return false
  }
}

function childrenOf(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // it ended while we looked
    }
  }
  return children
}
