import { describe, expect, it } from 'vitest'
import {
  decodeDelta,
  encodeDelta,
  type RegionDelta,
  weightsHash,
} from '../../../central/train/region-delta.ts'

const DELTA: RegionDelta = {
  base: '0123456789abcdef'.repeat(4),
  region: 'eu-west',
  windows: 10_240,
  seed: 1,
  epochs: 1,
  learningRate: 1e-7,
  loss: 0.0345,
  layers: [
    { name: 'W0', dims: [2, 2], values: Float32Array.of(1, -2, 0.5, 3e-9) },
    { name: 'bias', dims: [1], values: Float32Array.of(7) },
  ],
}

type Header = Record<string, unknown> & { __metadata__: Record<string, unknown> }

/** The file with its header changed, and bytes after it. */
function altered(change: (header: Header) => void, after = new Uint8Array(0)): Uint8Array {
  const bytes = encodeDelta(DELTA)
  const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end))) as Header
  change(header)
  const text = new TextEncoder().encode(JSON.stringify(header))
  const size = new Uint8Array(8)
  new DataView(size.buffer).setBigUint64(0, BigInt(text.length), true)
  return Uint8Array.from([...size, ...text, ...bytes.subarray(end), ...after])
}

describe('the file that leaves a region', () => {
  it('is read as it was written', () => {
    expect(decodeDelta(encodeDelta(DELTA))).toEqual(DELTA)
  })

  it('is laid out as safetensors are', () => {
    const bytes = encodeDelta(DELTA)
    const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
    expect(end % 8).toBe(0)
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)))).toMatchObject({
      W0: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      bias: { dtype: 'F32', shape: [1], data_offsets: [16, 20] },
    })
    expect([...new Float32Array(bytes.slice(end).buffer)]).toEqual([1, -2, 0.5, Math.fround(3e-9), 7])
  })

  it('has room for weights, names and counts alone', () => {
    expect(() => decodeDelta(altered(() => {}))).not.toThrow()
    const refused = (change: (header: Header) => void, after?: Uint8Array<ArrayBuffer>) =>
      expect(() => decodeDelta(altered(change, after)))
    refused((header) => Object.assign(header.__metadata__, { rps: '1,2,3' })).toThrow('rps')
    refused((header) => Object.assign(header.__metadata__, { region: 'GET /cart?user=7' })).toThrow(
      '__metadata__.region',
    )
    refused((header) => Object.assign(header.__metadata__, { windows: '3 of 4' })).toThrow(
      '__metadata__.windows',
    )
    refused((header) => Object.assign(header, { notes: 'text' })).toThrow('notes')
    refused((header) =>
      Object.assign(header, { W0: { dtype: 'U8', shape: [16], data_offsets: [0, 16] } }),
    ).toThrow('W0.dtype')
    refused(() => {}, Uint8Array.of(1, 2, 3)).toThrow('3 bytes of it belong to no layer')
    refused((header) =>
      Object.assign(header, { bias: { dtype: 'F32', shape: [1], data_offsets: [12, 16] } }),
    ).toThrow('bias.data_offsets must be [16, 20], but is [12, 16]')
  })

  it.each([0, 7, 100, 300])('cut off after %i bytes is refused', (size) => {
    expect(() => decodeDelta(encodeDelta(DELTA).subarray(0, size))).toThrow('tensors refused')
  })

  it('cut off within its numbers is refused', () => {
    expect(() => decodeDelta(encodeDelta(DELTA).slice(0, -1))).toThrow('truncated within bias')
  })

  it('bears a region name that is one', () => {
    expect(() => encodeDelta({ ...DELTA, region: 'EU west' })).toThrow(
      'region "EU west" must be a name of a-z',
    )
  })
})

describe('the hash of weights', () => {
  it('changes with a value, a name and a shape', async () => {
    const [w0, bias] = DELTA.layers
    if (w0 === undefined || bias === undefined) throw new Error('two layers')
    const hashes = await Promise.all(
      [
        [w0, bias],
        [w0, { ...bias, values: Float32Array.of(8) }],
        [w0, { ...bias, name: 'gate' }],
        [{ ...w0, dims: [4, 1] }, bias],
      ].map(weightsHash),
    )
    expect(new Set(hashes).size).toBe(4)
    expect(await weightsHash(DELTA.layers)).toBe(hashes[0])
  })
})
