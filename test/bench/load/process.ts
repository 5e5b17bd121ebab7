import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'

/** A program the benchmark runs beside itself; stopped with `stop`, and by closing its stdin if the bench dies. */
export interface Running {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** Starts a program and waits until its port accepts. @throws Error with the end of its stderr when it exits early */
export async function run(
  command: string,
  args: readonly string[],
  port: number,
  cwd?: string,
): Promise<Running> {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'], ...(cwd ? { cwd } : {}) })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000)
  })
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${command} ended before it listened on ${port}: ${complaint.trim()}`)
  })
  failed.catch(() => {})
  child.on('error', () => {})
  await Promise.race([accepting(port), failed])
  return { pid: child.pid ?? 0, port, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(hard)
}

async function accepting(port: number): Promise<void> {
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline) {
    if (await connects(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on port ${port} after 30 s`)
}

function connects(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = net.connect(port, '127.0.0.1')
  socket.on('connect', () => {
    socket.destroy()
    resolve(true)
  })
  socket.on('error', () => resolve(false))
  return promise
}
