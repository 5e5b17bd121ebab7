import { LineCounter, parseDocument, type YAMLError } from 'yaml'
import { AtlasError, type Fault, messageOf } from '../../contract/errors.ts'
import { type Policy, parsePolicy } from '../../contract/policy.ts'

/** Largest policy text that is read, in bytes of UTF-8. */
export const MAX_POLICY_BYTES = 262_144

/**
 * Parses a policy as a user writes it: YAML 1.2 or JSON (which YAML contains). Strict: a key that stands twice, an
 * unknown tag, an alias bomb and an unknown key are all faults.
 * @throws AtlasError `policy/syntax` with a fault per place (`line 3, column 7`), or `policy/invalid` with paths
 */
export function parsePolicyText(text: string): Policy {
  return parsePolicy(parseText(text))
}

function parseText(text: string): unknown {
  const lines = new LineCounter()
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      uniqueKeys: true,
      prettyErrors: false,
      stringKeys: true,
      lineCounter: lines,
    })
    const broken = [...document.errors, ...document.warnings].map((error) => faultOf(error, lines))
    if (broken.length > 0) throw syntax(broken)
    if (document.contents === null) throw syntax([{ path: '', message: 'the document is empty' }])
    return document.toJS({ maxAliasCount: 100 })
  } catch (thrown) {
    if (thrown instanceof AtlasError) throw thrown
    throw syntax([{ path: '', message: messageOf(thrown) }])
  }
}

function faultOf(error: YAMLError, lines: LineCounter): Fault {
  const { line, col } = lines.linePos(error.pos[0])
  return { path: `line ${line}, column ${col}`, message: error.message }
}

function syntax(faults: readonly Fault[]): AtlasError {
  const first = faults[0]
  const where = first?.path ? `${first.path}: ` : ''
  return new AtlasError('policy/syntax', `policy is not YAML or JSON: ${where}${first?.message}`, { faults })
}
