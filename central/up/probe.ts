import { connect } from 'node:net'

/** Whether a GET is answered with 2xx within a second. */
export async function answers(url: string, headers: Readonly<Record<string, string>> = {}): Promise<boolean> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(1000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

/** Whether something accepts TCP connections on a loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 })
    const end = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

/** Why a server cannot be reached at all, in a few words; null when it answers anything. */
export async function unreachable(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(3000),
    })
    await response.body?.cancel()
    return null
  } catch (thrown) {
    const cause = (thrown as Error).cause as NodeJS.ErrnoException | undefined
    return cause?.code ?? cause?.message ?? (thrown as Error).message
  }
}
