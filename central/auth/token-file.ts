import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { AtlasError } from '../../contract/errors.ts'

/** What a token may do. Each scope includes those before it. */
const SCOPES = ['read', 'push', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

const entrySchema = z.strictObject({
  /** Who this is, as it stands in the history of policies. */
  name: z.string().regex(/^[A-Za-z0-9_.@-]{1,64}$/, 'must be 1 to 64 of letters, digits and "_.@-"'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
  scopes: z.array(z.enum(SCOPES)).min(1),
})

const fileSchema = z.strictObject({ tokens: z.array(entrySchema).max(1000) })

export type TokenEntry = z.output<typeof entrySchema>
export type TokenFile = z.output<typeof fileSchema>

/** A fresh bearer token of 256 random bits, and the entry to store: only its hash is ever kept. */
export function createToken(name: string, scopes: readonly Scope[]): { token: string; entry: TokenEntry } {
  const token = `atlas_${randomBytes(32).toString('base64url')}`
  return { token, entry: { name, sha256: hash(token).toString('hex'), scopes: [...scopes] } }
}

/** @throws AtlasError `config/invalid` with the path of the first fault */
export function parseTokenFile(text: string): TokenFile {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new AtlasError('config/invalid', 'tokens file is not JSON')
  }
  const parsed = fileSchema.safeParse(document)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AtlasError(
    'config/invalid',
    `tokens file: ${issue?.path.join('.') || 'document'}: ${issue?.message}`,
  )
}

/** The entry of a token, or null. Hashes are compared in constant time, and every entry is looked at. */
export function findToken(file: TokenFile, token: string): TokenEntry | null {
  const given = hash(token)
  let found: TokenEntry | null = null
  for (const entry of file.tokens) {
    if (timingSafeEqual(given, Buffer.from(entry.sha256, 'hex'))) found = entry
  }
  return found
}

/** Whether an entry may do what a scope asks: `admin` includes `push`, `push` includes `read`. */
export function allows(entry: TokenEntry, scope: Scope): boolean {
  const needed = SCOPES.indexOf(scope)
  return entry.scopes.some((own) => SCOPES.indexOf(own) >= needed)
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}
