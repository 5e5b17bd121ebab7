import * as z from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import type { TrafficSeries } from './traffic-series.ts'

const values = z.array(z.number().nonnegative().nullable())
const examplesSchema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('incident-examples'),
  examples: z.array(
    z.strictObject({
      name: z.string(),
      stepS: z.number().positive(),
      startMs: z.number(),
      rps: values,
      errorRate: values.optional(),
      cpu: values.optional(),
      memory: values.optional(),
      dbQueue: values.optional(),
    }),
  ),
})

/**
 * Reads windows of recorded traffic around incidents, as `atlasctl incident examples` writes them.
 * @throws AtlasError `config/invalid` that names the file and the fault
 */
export function parseExamples(file: string, text: string): TrafficSeries[] {
  const fail = (why: string): never => {
    throw new AtlasError('config/invalid', `${file} holds no incident examples: ${why}`)
  }
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return fail('it is not JSON')
  }
  const parsed = examplesSchema.safeParse(document)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return fail(`${issue?.path.join('.') || 'document'}: ${issue?.message}`)
  }
  const read = (numbers: readonly (number | null)[]) =>
    Float64Array.from(numbers, (value) => value ?? Number.NaN)
  return parsed.data.examples.map(({ name, stepS, startMs, rps, errorRate, cpu, memory, dbQueue }) => ({
    ...{ name, stepS, startMs, rps: read(rps) },
    ...(errorRate && { errorRate: read(errorRate) }),
    ...(cpu && { cpu: read(cpu) }),
    ...(memory && { memory: read(memory) }),
    ...(dbQueue && { dbQueue: read(dbQueue) }),
  }))
}
