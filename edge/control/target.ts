/** Where requests go: an address, a service binding, or the handler that ATLAS wraps. */
export type Target =
  | { readonly kind: 'url'; readonly prefix: string }
  | { readonly kind: 'binding'; readonly name: string }
  | { readonly kind: 'self' }

/** What a service binding is to ATLAS. */
export interface Fetcher {
  fetch(input: string | Request, init: RequestInit): Promise<Response>
}

const BINDING = 'binding:'

/** Reads a target that the policy schema has accepted: `self`, `binding:NAME` or an address, whose last slash goes. */
export function parseTarget(text: string): Target {
  if (text === 'self') return { kind: 'self' }
  if (text.startsWith(BINDING)) return { kind: 'binding', name: text.slice(BINDING.length) }
  return { kind: 'url', prefix: text.endsWith('/') ? text.slice(0, -1) : text }
}

/**
 * The service binding of a name, in a Worker's environment.
 * @throws Error when there is none, or it is something else
 */
export function bindingOf(env: object, name: string): Fetcher {
  const binding: unknown = Object.hasOwn(env, name) ? (env as Record<string, unknown>)[name] : undefined
  if (isFetcher(binding)) return binding
  throw new Error(`no service binding "${name}"`)
}

function isFetcher(value: unknown): value is Fetcher {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function'
}
