import { dirname, join } from 'node:path'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Inspection } from '../registry/inspect-model.node.ts'
import type { Measured } from '../registry/model-gauge.node.ts'
import type { ModelEntry } from '../registry/model-store.ts'
import { Refused } from './api.ts'
import { answer, atMost, type Command, type Invocation, UsageError } from './command.ts'
import { plain } from './table.ts'

/** Central tries a model up to three times under workerd, 20 s each, and others may be before it. */
const PUT_LIMIT_MS = 120_000

export const putCommand: Command = {
  words: 'model put',
  usage: 'atlasctl model put FILE.onnx [--manifest FILE] [--fp32 FILE]',
  about: 'run a model, check it, and store it; the manifest is manifest.json beside it if not named',
  run: async (invocation) => {
    atMost(invocation, 1)
    const [file] = invocation.args
    if (file === undefined) throw new UsageError('which file? atlasctl model put FILE.onnx')
    const { fp32 } = invocation.flags
    const manifest = invocation.flags.manifest ?? join(dirname(file), 'manifest.json')
    const form = new FormData()
    form.set('model', new Blob([invocation.readBytes(file)]), 'model.onnx')
    form.set('manifest', manifestText(invocation, manifest))
    if (fp32 !== null) form.set('fp32', new Blob([invocation.readBytes(fp32)]), 'fp32.onnx')
    await mayPut(invocation)
    const put = await upload(invocation, form, `model ${file}, manifest ${manifest}`)
    answer(invocation, put, ({ hash, name, sizeBytes, measured, fp32Difference }) => {
      const beside = fp32Difference === null ? '' : `, ${fp32Difference.toPrecision(2)} from its fp32 form`
      return `${plain(name)} is stored as ${hash}\n${sizeBytes} bytes${beside}\n${measuredText(measured)}next: atlasctl model shadow ${hash.slice(0, 12)}\n`
    })
  },
}

/** Text of the manifest, once it is known to be JSON. */
function manifestText(invocation: Invocation, path: string): string {
  let text: string
  try {
    text = invocation.readFile(path)
  } catch (thrown) {
    if (invocation.flags.manifest !== null) throw thrown
    throw new AtlasError(
      'config/invalid',
      `${messageOf(thrown)}; a model goes with the manifest that training wrote: put it there, or name it with --manifest FILE`,
      { cause: thrown },
    )
  }
  try {
    JSON.parse(text)
    return text
  } catch (cause) {
    throw new AtlasError('config/invalid', `${path} is not JSON: ${messageOf(cause)}`, { cause })
  }
}

/** Hears a refused token before a file is sent: central closes a connection whose body it does not read. */
async function mayPut({ api }: Invocation): Promise<void> {
  try {
    await api.send('/v1/models', { method: 'POST' })
  } catch (thrown) {
    if (!(thrown instanceof Refused) || thrown.problem.code !== 'message/invalid') throw thrown
  }
}

/** @param files what was sent, for a refusal to name */
async function upload({ api }: Invocation, body: FormData, files: string): Promise<ModelEntry & Inspection> {
  try {
    return await api.json('/v1/models', { method: 'POST', body, timeoutMs: PUT_LIMIT_MS })
  } catch (thrown) {
    if (!(thrown instanceof Refused) || thrown.problem.status !== 422) throw thrown
    const { problem, tokenFile } = thrown
    throw new Refused({ ...problem, title: `${problem.title} (${files})` }, tokenFile)
  }
}

/** What a model cost under workerd, in one line. */
export function measuredText(measured: Measured | null): string {
  if (measured === null) return 'not measured under workerd: it was stored before that was done\n'
  const { windowMs, windowP99Ms, sessionMs, residentBytes, machine, clock } = measured
  const memory = residentBytes === null ? '' : `, ${Math.round(residentBytes / 2 ** 20)} MiB`
  const how = clock === 'cpu' ? 'CPU time' : 'wall time'
  return plain(
    `under workerd: ${windowMs.toFixed(2)} ms a window (p99 ${windowP99Ms.toFixed(2)}), ${sessionMs.toFixed(0)} ms to start${memory}; ${how}, ${machine}`,
  ).concat('\n')
}
