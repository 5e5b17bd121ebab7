import type { TapRing } from '../../core-wasm/tap-ring.ts'
import type { Exchange, Handler, Step } from './exchange.ts'

/** Where the tap writes: the ring in the core's memory. */
export type TapSink = Pick<TapRing, 'write'>

export interface TapOptions {
  readonly sink: TapSink
  readonly wallMs: () => number
  /** Start of the bucket of trace time that a wall time falls into. */
  readonly bucketOf: (wallMs: number) => number
}

/** Records what the client got: module, status, latency to the first byte, length where it is known, who answered, who called. */
export function tap({ sink, wallMs, bucketOf }: TapOptions): Step {
  return async function tap(exchange: Exchange, next: Handler): Promise<Response> {
    const response = await next(exchange)
    const endMs = wallMs()
    const length = response.headers.get('content-length')
    sink.write(
      bucketOf(endMs),
      exchange.module.index,
      response.status,
      endMs - exchange.startMs,
      length === null ? 0 : Number(length),
      exchange.flags,
      exchange.caller,
    )
    return response
  }
}
