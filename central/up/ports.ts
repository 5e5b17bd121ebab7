import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { AtlasError } from '../../contract/errors.ts'

const HOST = '127.0.0.1'

/** A port that the stack needs: what for, which one (0 = any free one), and the flag that changes it. */
export interface PortWish {
  readonly what: string
  readonly port: number
  readonly flag: string
}

/**
 * Turns wishes into ports that were free a moment ago, no two the same.
 * @throws AtlasError `setup/port-taken` that names the port, what listens there where that can be known, and the flag
 */
export async function claimPorts(wishes: readonly PortWish[]): Promise<number[]> {
  const held: Server[] = []
  try {
    const ports: number[] = []
    for (const wish of wishes) {
      const server = await hold(wish)
      held.push(server)
      const address = server.address()
      ports.push(typeof address === 'object' && address ? address.port : wish.port)
    }
    return ports
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

function hold({ what, port, flag }: PortWish): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `is taken${listenerOf(port)}`
          : `cannot be used (${cause.code ?? cause.message})`
      reject(
        new AtlasError('setup/port-taken', `port ${port} for ${what} ${why}; choose another with ${flag}`, {
          cause,
        }),
      )
    })
    server.listen(port, HOST, () => resolve(server))
  })
}

/** ` by NAME (pid N)`, as far as /proc tells it to this user; else the empty text. */
function listenerOf(port: number): string {
  try {
    const inode = listeningInode(port)
    if (inode === null) return ''
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (socketsOf(pid).includes(`socket:[${inode}]`))
        return ` by ${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`
    }
  } catch {
    // no /proc, or not ours to read: the port is named all the same
  }
  return ''
}

/** Inode of the listening TCP socket of a port (state 0A), from proc(5) /proc/net/tcp. */
function listeningInode(port: number): string | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A') return fields[9] ?? null
    }
  }
  return null
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}
