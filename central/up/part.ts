import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AtlasError } from '../../contract/errors.ts'
import type { Leash } from './leash.ts'

/** One process of the stack. */
export interface PartSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd: string
  /** Its output goes here, anew with each start of the stack. */
  readonly logFile: string
  /** Whether it answers; asked again and again until it does. */
  readonly answers: () => Promise<boolean>
  /** How long it may take to end after SIGTERM. */
  readonly graceMs?: number
}

const POLL_MS = 40
const START_LIMIT_MS = 30_000
const BACKOFF_MIN_MS = 200
const BACKOFF_MAX_MS = 5_000
/** A process that ran this long starts its back-off anew. */
const SETTLED_MS = 10_000

/** A supervised process: started until it answers, restarted with back-off when it dies, stopped in good order. */
export class Part {
  readonly spec: PartSpec
  readonly #leash: Leash
  readonly #say: (line: string) => void
  #child: ChildProcess | null = null
  #wanted = false
  /** It has answered once, so that its death is a crash to mend and not a failed start. */
  #supervised = false
  #fresh = true
  #startedMs = 0
  #backoffMs = BACKOFF_MIN_MS
  #restarts = 0

  constructor(spec: PartSpec, leash: Leash, say: (line: string) => void) {
    this.spec = spec
    this.#leash = leash
    this.#say = say
  }

  /** Process id while it runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** How often it was started again after it had died. */
  get restarts(): number {
    return this.#restarts
  }

  /** @throws AtlasError `setup/failed` with the end of its log when it ends, or does not answer in time */
  async start(): Promise<void> {
    this.#wanted = true
    this.#spawn()
    const deadline = Date.now() + START_LIMIT_MS
    while (this.#wanted && this.#child !== null && Date.now() < deadline) {
      if ((await this.spec.answers()) && this.#child !== null) {
        this.#supervised = true
        return
      }
      await delay(POLL_MS)
    }
    const { name, logFile } = this.spec
    if (!this.#wanted) throw new AtlasError('setup/failed', `${name} was stopped while it started`)
    const how =
      this.#child === null ? 'ended while it started' : `did not answer in ${START_LIMIT_MS / 1000} s`
    await this.stop()
    throw new AtlasError('setup/failed', `${name} ${how}; ${logFile} ends with:\n${this.logTail()}`)
  }

  /** Sends a signal to the running process; a death that follows is a crash, and is mended as one. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child?.kill(signal)
  }

  /** SIGTERM, and SIGKILL when that was not heard in time. */
  async stop(): Promise<void> {
    this.#wanted = false
    this.#supervised = false
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), this.spec.graceMs ?? 3000)
    await ended
    clearTimeout(timer)
  }

  /** The last lines of its log. */
  logTail(lines = 8): string {
    try {
      return readFileSync(this.spec.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    } catch {
      return '(no log)'
    }
  }

  #spawn(): void {
    const { command, args, env, cwd, logFile } = this.spec
    mkdirSync(dirname(logFile), { recursive: true })
    const log = createWriteStream(logFile, { flags: this.#fresh ? 'w' : 'a', mode: 0o600 })
    this.#fresh = false
    // a session of its own: Ctrl-C goes to the supervisor alone, which stops the parts in order
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    this.#startedMs = Date.now()
    const pid = child.pid
    if (pid !== undefined) this.#leash.add(pid)
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    log.once('error', (error) => this.#goOnWithoutLog(child, error))
    child.once('error', (error) => {
      log.write(`${error.message}\n`)
      if (pid === undefined) this.#child = null
    })
    child.once('close', () => log.end())
    child.once('exit', (code, signal) => {
      if (pid !== undefined) this.#leash.drop(pid)
      if (this.#child === child) this.#child = null
      if (this.#supervised) void this.#recover(signal ?? `exit code ${code}`)
    })
  }

  /** A full disk must end neither the stack nor, by output that nobody takes, the process. */
  #goOnWithoutLog(child: ChildProcess, error: Error): void {
    this.#say(`${this.spec.name}: its log cannot be written (${error.message}); it goes on without`)
    child.stdout?.resume()
    child.stderr?.resume()
  }

  async #recover(cause: string): Promise<void> {
    if (Date.now() - this.#startedMs > SETTLED_MS) this.#backoffMs = BACKOFF_MIN_MS
    const waitMs = this.#backoffMs
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, waitMs * 2)
    this.#say(`${this.spec.name} died (${cause}); starting it again in ${waitMs} ms`)
    await delay(waitMs)
    if (!this.#wanted) return
    const began = Date.now()
    this.#restarts += 1
    this.#spawn()
    const child = this.#child
    while (this.#wanted && this.#child === child) {
      if (await this.spec.answers()) {
        this.#say(
          `${this.spec.name} answers again after ${((Date.now() - began + waitMs) / 1000).toFixed(1)} s`,
        )
        return
      }
      await delay(POLL_MS)
    }
  }
}
