/** What a limit knows of one key. */
export interface LimitEntry {
  readonly limit: string
  readonly key: string
  /** Theoretical arrival time, milliseconds of wall time. */
  tatMs: number
  /** Requests charged here and not yet reported to the PoP. */
  unreported: number
  /** Waits to be reported. */
  queued: boolean
  /** The key as it leaves the isolate; null until it first does. */
  hash: string | null
}

/** The keys of one limit: two generations of at most `maxKeys / 2`; what is not used for a whole generation is forgotten. */
class KeyBook {
  #young = new Map<string, LimitEntry>()
  #old = new Map<string, LimitEntry>()
  readonly #half: number
  readonly #limit: string

  constructor(limit: string, maxKeys: number) {
    this.#limit = limit
    this.#half = Math.ceil(maxKeys / 2)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  entry(key: string): LimitEntry {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const entry = this.#old.get(key) ?? this.#fresh(key)
    this.#old.delete(key)
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, entry)
    return entry
  }

  shift(byMs: number): void {
    for (const entries of [this.#young, this.#old]) {
      for (const entry of entries.values()) entry.tatMs += byMs
    }
  }

  #fresh(key: string): LimitEntry {
    return { limit: this.#limit, key, tatMs: 0, unreported: 0, queued: false, hash: null }
  }
}

const LONG_KEY = 96
/** Less is the unevenness of a clock. */
const SET_BACK_MS = 1000

/**
 * The state of all limits of an isolate, bounded in keys and in bytes a key. It outlives route tables: a new policy
 * with the same limit goes on with the same counts.
 */
export class LimitBook {
  readonly #maxKeys: number
  readonly #books = new Map<string, KeyBook>()
  #charged: LimitEntry[] = []
  #lastMs = Number.NEGATIVE_INFINITY
  readonly #reported = new Map<string, LimitEntry>()

  /** @param maxKeys keys remembered per limit */
  constructor(maxKeys = 32_768) {
    if (!(maxKeys >= 2)) throw new RangeError(`maxKeys must be at least 2, but is ${maxKeys}`)
    this.#maxKeys = maxKeys
  }

  /** The state of a key, made when it is new. */
  entry(limit: string, key: string): LimitEntry {
    let book = this.#books.get(limit)
    if (book === undefined) {
      book = new KeyBook(limit, this.#maxKeys)
      this.#books.set(limit, book)
    }
    return book.entry(key.length > LONG_KEY ? digest(key) : key)
  }

  /** Tells the wall time of each request: when the clock was set back, every key's time goes back with it. */
  at(nowMs: number): void {
    const behindMs = this.#lastMs - nowMs
    if (behindMs > SET_BACK_MS) {
      for (const book of this.#books.values()) book.shift(-behindMs)
    }
    if (behindMs < 0 || behindMs > SET_BACK_MS) this.#lastMs = nowMs
  }

  /** Marks a request as charged, to be reported. */
  used(entry: LimitEntry): void {
    this.giveBack(entry, 1)
  }

  /** Up to `max` entries with something to report, the longest waiting first; the caller reads and clears `unreported` and `queued`. */
  takeCharged(max: number): LimitEntry[] {
    const taken = this.#charged.slice(0, max)
    this.#charged = this.#charged.slice(max)
    return taken
  }

  /** Puts back what a failed report could not deliver. */
  giveBack(entry: LimitEntry, cost: number): void {
    entry.unreported += cost
    if (entry.queued || this.#charged.length >= this.#maxKeys) return
    entry.queued = true
    this.#charged.push(entry)
  }

  /** Remembers under which hash an entry was reported. */
  remember(entry: LimitEntry, hash: string): void {
    const id = `${entry.limit} ${hash}`
    this.#reported.delete(id)
    this.#reported.set(id, entry)
    if (this.#reported.size <= this.#maxKeys) return
    for (const oldest of this.#reported.keys()) {
      this.#reported.delete(oldest)
      break
    }
  }

  /** The entry that was reported under a hash. */
  reported(limit: string, hash: string): LimitEntry | undefined {
    return this.#reported.get(`${limit} ${hash}`)
  }

  /** Forgets limits that no policy names any more. */
  keepOnly(limits: ReadonlySet<string>): void {
    for (const name of this.#books.keys()) {
      if (!limits.has(name)) this.#books.delete(name)
    }
  }

  /** Keys remembered, over all limits. */
  get size(): number {
    let size = 0
    for (const book of this.#books.values()) size += book.size
    return size
  }
}

/** A long key in 106 bits (two 53-bit hashes in the manner of MurmurHash3's finaliser), so that a key's bytes are bounded. */
function digest(key: string): string {
  return `#${key.length}-${mix(key, 0x9e3779b9)}-${mix(key, 0x85ebca6b)}`
}

function mix(text: string, seed: number): string {
  let high = 0xdeadbeef ^ seed
  let low = 0x41c6ce57 ^ seed
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36)
}
