import type { FlushAnswer, FlushReport, PopStub } from '../control/stubs.ts'

/** As much of a Durable Object namespace as the pipeline needs. */
interface PopNamespace {
  idFromName(name: string): unknown
  get(id: unknown): PopStub
}

/** The PoP object of an environment, or null where none is bound. */
export function popStub(env: Readonly<Record<string, unknown>>, pop: string): PopStub | null {
  const namespace = env.POP
  return isNamespace(namespace) ? namespace.get(namespace.idFromName(pop)) : null
}

function isNamespace(value: unknown): value is PopNamespace {
  return typeof value === 'object' && value !== null && 'idFromName' in value && 'get' in value
}

/** One flush, given up after `limitMs`: an object that hangs must not stop later flushes. */
export function flushWithin(stub: PopStub, report: FlushReport, limitMs: number): Promise<FlushAnswer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer from the PoP object in ${limitMs} ms`)),
      limitMs,
    )
    stub
      .flush(report)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
