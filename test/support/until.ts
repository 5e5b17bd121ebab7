interface Patience {
  readonly limitMs?: number
  readonly everyMs?: number
  /** What to say of the state of things when it was in vain. */
  readonly state?: () => unknown
}

/**
 * Asks again until there is an answer that is not null, undefined or false, and returns it.
 * @throws Error that names what did not happen in time
 */
export async function until<T>(
  what: string,
  find: () => T | Promise<T>,
  { limitMs = 20_000, everyMs = 25, state }: Patience = {},
): Promise<Exclude<T, null | undefined | false>> {
  for (const deadline = Date.now() + limitMs; ; ) {
    const found = await find()
    if (found !== null && found !== undefined && found !== false)
      return found as Exclude<T, null | undefined | false>
    if (Date.now() > deadline) break
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  const now = state === undefined ? '' : `; now: ${JSON.stringify(await state())}`
  throw new Error(`not within ${limitMs} ms: ${what}${now}`)
}
