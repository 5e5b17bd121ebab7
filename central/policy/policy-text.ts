import { CST, Lexer, LineCounter, Parser, parseDocument, type YAMLError } from 'yaml'
import { AtlasError, type Fault, messageOf } from '../../contract/errors.ts'
import { type Policy, parsePolicy } from '../../contract/policy.ts'

/** Largest policy text that is read, in bytes of UTF-8. */
export const MAX_POLICY_BYTES = 262_144
/** The deepest policy nests 5 collections, its longest list has 64 items. */
const MAX_DEPTH = 32
const MAX_ITEMS = 1_000
/** Faults that are told of one text. */
const MAX_FAULTS = 50

/**
 * Parses a policy as a user writes it: YAML 1.2 or JSON (which YAML contains). Strict: a key that stands twice, an
 * unknown tag, an alias bomb, nesting without end and an unknown key are all faults.
 * @throws AtlasError `policy/syntax` with a fault per place (`line 3, column 7`), or `policy/invalid` with paths
 */
export function parsePolicyText(text: string): Policy {
  return parsePolicy(parseText(text))
}

function parseText(text: string): unknown {
  const lines = new LineCounter()
  try {
    refuseBombs(text)
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

/**
 * The parser of documents calls itself for each level, and compares each key with all others of its map: too deep a
 * text ends the process (V8 gives up when a RegExp is compiled at the end of the stack), too long a map blocks it for
 * seconds. The parser of tokens does neither, so it looks first.
 */
function refuseBombs(text: string): void {
  const parser = new Parser()
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme))
    if (parser.stack.length > MAX_DEPTH)
      throw syntax([{ path: '', message: `it nests deeper than ${MAX_DEPTH} levels` }])
    const top = parser.stack.at(-1)
    if (top !== undefined && CST.isCollection(top) && top.items.length > MAX_ITEMS)
      throw syntax([{ path: '', message: `a list or map has more than ${MAX_ITEMS} items` }])
  }
}

function faultOf(error: YAMLError, lines: LineCounter): Fault {
  const { line, col } = lines.linePos(error.pos[0])
  return { path: `line ${line}, column ${col}`, message: error.message }
}

function syntax(faults: readonly Fault[]): AtlasError {
  const first = faults[0]
  const told = faults.slice(0, MAX_FAULTS)
  const where = first?.path ? `${first.path}: ` : ''
  return new AtlasError('policy/syntax', `policy is not YAML or JSON: ${where}${first?.message}`, {
    faults: told,
  })
}
