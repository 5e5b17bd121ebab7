import * as z from 'zod'
import { didYouMean } from './did-you-mean.ts'
import type { Fault } from './errors.ts'

/** What to write where a key is missing, by its name. */
const EXAMPLES: Readonly<Record<string, string>> = {
  apiVersion: '"apiVersion: atlas/v1"',
  origin: '"origin: http://localhost:3000" (your server)',
  modules: '"modules:" with at least one module (name and routes)',
  name: 'a name, e.g. "name: app"',
  routes: 'at least one route, e.g. "routes: [/*]"',
  timeoutMs: 'the time until the first byte, e.g. "timeoutMs: 3000"',
  state: '"state: none" or "state: shared"',
  rps: 'a rate, e.g. "rps: 50"',
  burst: 'how many may come at once, e.g. "burst: 100"',
}

/** Faults of a document that does not fit a schema, in plain sentences. */
export function faultsOf(issue: z.core.$ZodIssue, document: unknown, schema: z.core.$ZodType): Fault[] {
  const path = issue.path.join('.')
  const value = valueAt(document, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path)
    return issue.keys.map((key) => ({
      path: path ? `${path}.${key}` : key,
      message: `unknown key${didYouMean(key, known) || `; remove it, or use one of ${known.join(', ')}`}`,
    }))
  }
  if (value === undefined || (value === null && path !== '' && issue.code === 'invalid_type'))
    return [{ path, message: missing(String(issue.path.at(-1) ?? '')) }]
  return [{ path, message: sentence(issue, value) }]
}

function missing(key: string): string {
  return `is missing; add ${EXAMPLES[key] ?? `a value for ${key}`}`
}

function sentence(issue: z.core.$ZodIssue, value: unknown): string {
  const is = `but is ${described(value)}`
  switch (issue.code) {
    case 'invalid_type':
      return value === null
        ? 'is empty; begin with "apiVersion: atlas/v1", "origin" and "modules"'
        : `must be ${NAMES[issue.expected] ?? issue.expected}, ${is}`
    case 'invalid_value': {
      const known = issue.values.map(String)
      const hint = typeof value === 'string' ? didYouMean(value, known) : ''
      return `must be ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}, ${is}${hint}`
    }
    case 'too_small':
      return issue.origin === 'array'
        ? `must have at least ${issue.minimum} item, but has ${Array.isArray(value) ? value.length : 0}`
        : `must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}, ${is}`
    case 'too_big':
      return issue.origin === 'array'
        ? `must have at most ${issue.maximum} items, but has ${Array.isArray(value) ? value.length : 'more'}`
        : `must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}, ${is}`
    default:
      return issue.message
  }
}

const NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map of keys and values',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

function described(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 80))}`
  return String(value)
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let at = document
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined
  }
  return at
}

/** Keys a map may have at a place of the document. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const here = unwrapped(schema)
  const [key, ...rest] = path
  if (here instanceof z.ZodArray) return keysAt(here.element, rest)
  if (!(here instanceof z.ZodObject)) return []
  if (key === undefined) return Object.keys(here.shape)
  const next = here.shape[String(key)]
  return next ? keysAt(next, rest) : []
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrapped(schema.unwrap())
    : schema
}
