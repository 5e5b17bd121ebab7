import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import { MAX_PACKAGE_BYTES } from '../../contract/model/model-package.ts'
import type { Scope } from '../auth/token-file.ts'
import type { Caller } from '../registry/registry.ts'
import { problem, problemResponse } from './problem.ts'
import type { Services } from './services.ts'
import { smallBody } from './small-body.ts'

const callSchema = z.strictObject({
  reason: z.string().max(400).default(''),
  force: z.boolean().default(false),
})
/** Model, fp32 form and manifest of one upload. */
const MAX_UPLOAD_BYTES = 3 * MAX_PACKAGE_BYTES

/** `/v1/models…`: put, list, show, shadow, promote, rollback. */
export function modelRoutes(
  { registry }: Pick<Services, 'registry'>,
  guard: (scope: Scope) => MiddlewareHandler,
): Hono {
  const routes = new Hono()

  routes.get('/', guard('read'), async (context) => context.json(await registry.overview()))

  routes.post(
    '/',
    guard('push'),
    bodyLimit({ maxSize: MAX_UPLOAD_BYTES, onError: tooLarge }),
    async (context) => {
      const form = await formOf(context)
      const model = await fileOf(form, 'model')
      if (model === null) throw new AtlasError('message/invalid', 'part "model" (the ONNX file) is missing')
      const manifest = manifestOf(form.get('manifest'))
      const entry = await registry.put(manifest, model, await fileOf(form, 'fp32'), callerOf(context))
      return context.json(entry, 201)
    },
  )

  routes.post('/rollback', guard('push'), smallBody, async (context) =>
    context.json(await registry.rollback(await callOf(context))),
  )

  routes.get('/:hash', guard('read'), async (context) =>
    context.json(await registry.show(context.req.param('hash'))),
  )

  routes.post('/:hash/shadow', guard('push'), smallBody, async (context) =>
    context.json(await registry.shadow(context.req.param('hash'), await callOf(context))),
  )

  routes.post('/:hash/promote', guard('push'), smallBody, async (context) =>
    context.json(await registry.promote(context.req.param('hash'), await callOf(context))),
  )

  return routes
}

function callerOf(context: Context): string {
  return context.get('caller') ?? 'unknown'
}

async function callOf(context: Context): Promise<Caller> {
  const text = await context.req.text()
  const parsed = callSchema.safeParse(text === '' ? {} : parse(text, 'the body'))
  if (parsed.success) return { by: callerOf(context), ...parsed.data }
  const issue = parsed.error.issues[0]
  throw new AtlasError(
    'message/invalid',
    `the body must be {reason?, force?}: ${issue?.path.join('.') || 'document'}: ${issue?.message}`,
  )
}

async function formOf(context: Context): Promise<FormData> {
  try {
    return await context.req.formData()
  } catch (cause) {
    throw new AtlasError(
      'message/invalid',
      'send multipart/form-data with the parts "model", "manifest" and, if there is one, "fp32"',
      { cause },
    )
  }
}

async function fileOf(form: FormData, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const part: unknown = form.get(name)
  return part instanceof Blob ? new Uint8Array(await part.arrayBuffer()) : null
}

function manifestOf(part: unknown): unknown {
  if (typeof part === 'string') return parse(part, 'part "manifest"')
  throw new AtlasError('message/invalid', 'part "manifest" (the manifest as JSON text) is missing')
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AtlasError('message/invalid', `${what} is not JSON`, { cause })
  }
}

function tooLarge(): Response {
  const detail = `a model with its manifest may have at most ${MAX_UPLOAD_BYTES} bytes`
  return problemResponse(problem(413, 'model/unreadable', 'The model is too large', detail))
}
