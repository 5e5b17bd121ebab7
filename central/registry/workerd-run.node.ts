import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { Leash } from '../up/leash.ts'

/** An answer of the Worker, and what it took as seen from outside. */
export interface Timed {
  readonly body: unknown
  /** Time of the process's main thread, on which the Worker runs; null where the system does not tell. */
  readonly cpuMs: number | null
  readonly wallMs: number
}

const POLL_MS = 20
const SAID_CHARS = 4_000

/** One workerd process, on a Unix socket which nobody else can open. It ends with this process. */
export class WorkerdRun {
  readonly #directory = mkdtempSync(join(tmpdir(), 'atlas-gauge-'))
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #leash = new Leash()
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #said = ''
  /** How it ended; null while it runs. */
  #end: string | null = null

  /** @param config path of its configuration, whose socket `http` it listens on */
  constructor(config: string) {
    const address = `--socket-addr=http=unix:${this.#socket}`
    this.#child = spawn(workerdPath(), ['serve', config, address], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if (this.#child.pid !== undefined) this.#leash.add(this.#child.pid)
    this.#child.stderr?.on('data', (text) => {
      this.#said = `${this.#said}${text}`.slice(-SAID_CHARS)
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#end = messageOf(error)
        resolve()
      })
      this.#child.once('close', (code, signal) => {
        this.#end ??= signal ?? `exit code ${code}`
        resolve()
      })
    })
  }

  /** How it ended, with its last words; null while it runs. */
  get end(): string | null {
    if (this.#end === null) return null
    const words = this.#said.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('stack:'))
    const said = words.at(-1) ?? ''
    return said === '' ? this.#end : `${this.#end}: ${said}`
  }

  /** Resident memory of the process in bytes, as Linux tells it; null elsewhere. */
  get residentBytes(): number | null {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
      const kb = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
      return kb === undefined ? null : Number(kb) * 1024
    } catch {
      return null
    }
  }

  /** Resolves when it answers. @throws Error when it ends instead, or the signal comes first */
  async ready(signal: AbortSignal): Promise<void> {
    while (this.#end === null) {
      signal.throwIfAborted()
      try {
        await this.ask('GET', '/', null, signal)
        return
      } catch {
        await Promise.race([delay(POLL_MS), this.#ended])
      }
    }
    throw new Error(`workerd ended with ${this.end}`)
  }

  /** One request. @throws Error when it ends, answers no 200, or the signal comes first */
  ask(method: string, path: string, body: Uint8Array | string | null, signal: AbortSignal): Promise<Timed> {
    const startMs = performance.now()
    const startCpuMs = this.#cpuMs
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#socket, agent: this.#agent, method, path, signal }
      const asked = request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part) => {
          text += part
        })
        response.once('error', reject)
        response.once('end', () => {
          const wallMs = performance.now() - startMs
          const cpuMs = this.#cpuMs
          if (response.statusCode !== 200) reject(new Error(`workerd answered ${response.statusCode}`))
          else
            resolve({
              body: JSON.parse(text),
              cpuMs: cpuMs === null || startCpuMs === null ? null : cpuMs - startCpuMs,
              wallMs,
            })
        })
      })
      asked.once('error', reject)
      asked.end(body ?? undefined)
    })
  }

  /** Ends it at once; what it kept was in its memory alone. */
  async stop(): Promise<void> {
    this.#agent.destroy()
    if (this.#end === null) this.#child.kill('SIGKILL')
    await this.#ended
    await this.#leash.release()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Nanosecond-exact and, unlike the wall, not disturbed by what else runs on the machine (Linux, sched-stats.rst). */
  get #cpuMs(): number | null {
    try {
      const [ranNs = ''] = readFileSync(`/proc/${this.#child.pid}/schedstat`, 'utf8').split(' ')
      return Number(ranNs) / 1e6 || null
    } catch {
      return null
    }
  }

  get #socket(): string {
    return join(this.#directory, 's')
  }
}

/** The binary of npm's `workerd`. @throws AtlasError `setup/missing-tool` */
function workerdPath(): string {
  try {
    return (createRequire(import.meta.url)('workerd') as { default: string }).default
  } catch (cause) {
    throw new AtlasError('setup/missing-tool', 'the npm package workerd is not installed', { cause })
  }
}
