import type { Context } from 'hono'
import { z } from 'zod'
import { AtlasError } from '../../contract/errors.ts'

const MAX_LIMIT = 500
const DEFAULT_LIMIT = 50

/** `limit=` of a list: 1 to 500, 50 unless told. */
export const limitQuery = z
  .string()
  .default(String(DEFAULT_LIMIT))
  .refine((text) => /^[1-9]\d{0,2}$/.test(text) && Number(text) <= MAX_LIMIT, {
    error: `must be a whole number from 1 to ${MAX_LIMIT}`,
  })
  .transform(Number)

/**
 * The query of a request by its schema, strict: a name that is not known is refused and not passed over.
 * @throws AtlasError `message/invalid` that names the first fault
 */
export function queryOf<T extends z.ZodType>(context: Context, schema: T): z.output<T> {
  const parsed = schema.safeParse(context.req.query())
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys')
    throw new AtlasError(
      'message/invalid',
      `the query has an unknown name: ${JSON.stringify(issue.keys[0]?.slice(0, 80))}`,
    )
  const name = issue?.path.join('.') ?? ''
  const received = name === '' ? '' : `, but is ${JSON.stringify(context.req.query(name)?.slice(0, 80))}`
  throw new AtlasError('message/invalid', `${name || 'the query'} ${issue?.message}${received}`)
}
