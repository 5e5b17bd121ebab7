/** One difference between two documents. `before` or `after` is absent where the key was added or removed. */
export interface Change {
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/** Differences between two JSON documents, by path (`modules.0.loose`), in the order of the newer one. */
export function diff(before: unknown, after: unknown, path = ''): Change[] {
  if (Object.is(before, after)) return []
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [
      {
        path,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ]
  }
  const keys = new Set([...Object.keys(after), ...Object.keys(before)])
  return [...keys].flatMap((key) => diff(before[key], after[key], path === '' ? key : `${path}.${key}`))
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
