/** Members and characters that are passed on: W3C Trace Context, §3.3.1.1 and §3.3.1.5. */
const MAX_MEMBERS = 32
const MAX_LENGTH = 512
/** Members longer than this go first when there are too many characters. */
const LONG_MEMBER = 128
/** Pieces of a header that are looked at: more than 32 members and their empty neighbours is nobody's list. */
const MAX_PIECES = 64
const OWN = 'atlas='

/** The member that says which module a request is passed on to. Names of modules are legal values as they are. */
export function ownMember(module: string): string {
  return OWN + module
}

/** The value of ATLAS's own member of a `tracestate` header, the left-most where it stands twice; null: none. */
export function ownValue(tracestate: string): string | null {
  if (!tracestate.includes(OWN)) return null
  const member = membersOf(tracestate).find((each) => each.startsWith(OWN))
  return member === undefined ? null : member.slice(OWN.length)
}

/**
 * The `tracestate` to pass on: `own` (or nothing, where it is empty) at the front, the others behind it in their order,
 * unread. Of a list that is too long, members above 128 characters go first, then those at its end (§3.3.1.5).
 */
export function replaceOwn(tracestate: string, own: string): string {
  const others = membersOf(tracestate).filter((member) => !member.startsWith(OWN))
  const members = (own === '' ? others : [own, ...others]).slice(0, MAX_MEMBERS)
  const text = members.join(',')
  if (text.length <= MAX_LENGTH) return text
  const kept = members.filter((member) => member.length <= LONG_MEMBER)
  while (kept.join(',').length > MAX_LENGTH) kept.pop()
  return kept.join(',')
}

function membersOf(tracestate: string): string[] {
  return tracestate
    .split(',', MAX_PIECES)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
}
