import { describe, expect, it } from 'vitest'
import { type Api, type ApiRequest, Refused } from '../../../central/ctl/api.ts'
import { type Flags, type Invocation, UsageError } from '../../../central/ctl/command.ts'
import { findCommand } from '../../../central/ctl/commands.ts'
import { AtlasError } from '../../../contract/errors.ts'

const refused = (status: 400 | 401 | 422, code: string) =>
  new Refused({ type: 'about:blank', title: 'The model cannot be used', status, detail: 'why', code })
const NO_BODY = refused(400, 'message/invalid')

const measured = {
  clock: 'cpu',
  sessionMs: 190.2,
  windowMs: 1.337,
  windowP99Ms: 2.41,
  residentBytes: 176 * 2 ** 20,
  machine: 'a processor',
}
const stored = {
  hash: 'a'.repeat(64),
  name: 'new',
  sizeBytes: 9,
  by: 'x',
  putAtMs: 0,
  measured,
  fp32Difference: null,
}

interface Scene {
  readonly files?: Readonly<Record<string, string>>
  readonly flags?: Partial<Flags>
  /** What central answers to the upload. */
  readonly put?: () => Promise<object>
  /** What it throws at a request without a body. */
  readonly asked?: Refused
}

/** Runs a command line against a central of which nothing is real; what was sent and printed. */
async function run(line: string, { files = {}, flags = {}, put, asked = NO_BODY }: Scene = {}) {
  const found = findCommand(line.split(' '))
  if (!found) throw new Error(`no command ${line}`)
  const sent: string[] = []
  let printed = ''
  const readFile = (path: string) => {
    const text = files[path]
    if (text === undefined) throw new AtlasError('config/invalid', `cannot read ${path}`)
    return text
  }
  const api = {
    send: async () => {
      throw asked
    },
    json: async (path: string, { method, body }: ApiRequest) => {
      sent.push(`${method} ${path} ${body instanceof FormData ? [...body.keys()].join() : body}`)
      return put?.() ?? stored
    },
  } as unknown as Api
  const invocation = {
    api,
    args: found.rest,
    flags: { force: false, reason: null, manifest: null, fp32: null, json: false, ...flags },
    print: (text: string) => {
      printed += text
    },
    readFile,
    readBytes: (path: string) => new TextEncoder().encode(readFile(path)),
  } as unknown as Invocation
  await found.command.run(invocation)
  return { sent, printed }
}

const files = { 'd/m.onnx': 'bytes', 'd/manifest.json': '{}' }

describe('atlasctl model put', () => {
  it('sends the model with the manifest beside it, and tells what it costs', async () => {
    const { sent, printed } = await run('model put d/m.onnx', { files })
    expect(sent).toEqual(['POST /v1/models model,manifest'])
    expect(printed).toContain(
      'under workerd: 1.34 ms a window (p99 2.41), 190 ms to start, 176 MiB; CPU time, a processor',
    )
  })

  it('sends no file to a central that refuses the token', async () => {
    const asked = refused(401, 'auth/denied')
    const put = () => Promise.reject(new Error('was sent'))
    await expect(run('model put d/m.onnx', { files, asked, put })).rejects.toBe(asked)
  })

  it('says where a manifest belongs that is not there, and names one that is no JSON', async () => {
    await expect(run('model put d/m.onnx', { files: { 'd/m.onnx': '' } })).rejects.toThrow(
      /cannot read d\/manifest\.json; .*--manifest FILE/,
    )
    await expect(
      run('model put d/m.onnx', { files: { ...files, x: '{' }, flags: { manifest: 'x' } }),
    ).rejects.toThrow(/^x is not JSON/)
  })

  it('names the files that were refused', async () => {
    const put = () => Promise.reject(refused(422, 'model/unreadable'))
    await expect(run('model put d/m.onnx', { files, put })).rejects.toMatchObject({
      problem: { title: 'The model cannot be used (model d/m.onnx, manifest d/manifest.json)' },
    })
  })
})

describe('atlasctl model', () => {
  it.each(['model shadow abcdef', 'model promote challenger', 'model rollback'])(
    '%s is not forced without a reason',
    async (line) => {
      await expect(run(line, { flags: { force: true, reason: ' ' } })).rejects.toThrow(UsageError)
    },
  )

  it.each(['model show', 'model shadow', 'model promote', 'model put'])('%s asks which one', async (line) => {
    await expect(run(line)).rejects.toThrow(/^which (model|file)\?/)
  })
})
