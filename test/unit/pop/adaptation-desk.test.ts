import { describe, expect, it } from 'vitest'
import { createSigningKey, parseSigningKey } from '../../../central/policy/signing-key.ts'
import {
  type AdaptationEntry,
  type AdaptationRelease,
  signAdaptationRelease,
} from '../../../contract/model/adaptation.ts'
import { AdaptationDesk } from '../../../edge/pop/adaptation-desk.ts'

const key = await parseSigningKey(JSON.stringify(await createSigningKey()))
const ENTRY: AdaptationEntry = { series: 'total', hash: 'a'.repeat(64), beside: 'b'.repeat(64) }

function release(part: Partial<AdaptationRelease> = {}): AdaptationRelease {
  const kind = 'adaptation-release'
  return {
    kind,
    pop: 'fra1',
    version: 1,
    issuedAtMs: 5,
    entries: [ENTRY],
    by: 'boss',
    reason: '',
    ...part,
  }
}

const signed = (part: Partial<AdaptationRelease> = {}) =>
  signAdaptationRelease(release(part), key.privateKey, key.keyId)

/** A PoP `fra1` whose forecaster keeps what is offered unless it refuses it. */
function scene(options: { refuses?: string; away?: boolean } = {}) {
  const kept = new Set<string>()
  const memory = {
    adaptations: null as AdaptationRelease | null,
    adaptationError: null as string | null,
    adaptationCursor: { seq: 0, timeStamp: '' },
  }
  const desk = new AdaptationDesk({
    pop: 'fra1',
    keys: { [key.keyId]: key.publicKey },
    memory,
    forecaster: {
      keeps: async (ref) => kept.has(ref),
      offerAdaptation: async (pop, { hash }) => {
        if (options.refuses) return { ok: false, code: 'model/unreadable', reason: options.refuses }
        kept.add(hash)
        return { ok: true, model: pop }
      },
    },
    fetch: async () => {
      if (options.away) throw new Error('NATS is away')
      return new Uint8Array()
    },
    atomically: (write) => write(),
    wait: async () => undefined,
  })
  const take = async (text: string, seq = 1) => desk.take(text, { seq, timeStamp: `t${seq}` })
  return { desk, memory, kept, take }
}

describe('a release of adaptations at a PoP', () => {
  it('comes into force once its documents are kept, and can be withdrawn by an empty one', async () => {
    const { memory, kept, take } = scene()
    await take(await signed())
    expect(memory).toMatchObject({ adaptations: { version: 1, entries: [ENTRY] }, adaptationError: null })
    expect([...kept]).toEqual([ENTRY.hash])
    await take(await signed({ version: 2, entries: [] }), 2)
    expect(memory).toMatchObject({ adaptations: { version: 2, entries: [] }, adaptationCursor: { seq: 2 } })
  })

  it.each([
    ['of another PoP', () => signed({ pop: 'lax1' }), /model\/shape: adaptations of PoP "lax1"/],
    [
      'that nobody signed',
      async () => JSON.stringify(release()),
      /model\/syntax: not a signed model envelope/,
    ],
    [
      'with an entry of another form',
      () => signed({ entries: [{ ...ENTRY, hash: 'none' }] }),
      /model\/syntax: .*entries\.0\.hash/,
    ],
  ])('is refused %s; what is in force stays', async (_, make, reason) => {
    const { memory, take } = scene()
    await take(await signed({ version: 3 }))
    await take(await make(), 2)
    expect(memory.adaptationError).toMatch(reason)
    expect(memory).toMatchObject({ adaptations: { version: 3 }, adaptationCursor: { seq: 2 } })
  })

  it('is refused when the forecaster refuses a document, with its reason, and when it is older', async () => {
    const { memory, take } = scene({ refuses: 'NaN' })
    await take(await signed())
    expect(memory).toMatchObject({ adaptations: null, adaptationError: 'model/unreadable: NaN' })
    const other = scene()
    await other.take(await signed({ version: 3 }))
    await other.take(await signed({ version: 2 }), 2)
    expect(other.memory.adaptationError).toMatch(/model\/stale/)
  })

  it('is read again when its documents could not be fetched for want of a link', async () => {
    const { memory, take } = scene({ away: true })
    await expect(take(await signed())).rejects.toThrow('NATS is away')
    expect(memory).toMatchObject({ adaptations: null, adaptationError: null, adaptationCursor: { seq: 0 } })
  })

  it('brings documents back that the forecaster has lost', async () => {
    const { desk, kept, take } = scene()
    await desk.restore()
    await take(await signed())
    kept.clear()
    await desk.restore()
    expect([...kept]).toEqual([ENTRY.hash])
  })
})
