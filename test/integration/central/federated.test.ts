import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateTraffic } from '../../../central/train/generated-traffic.ts'
import { bundleEdge } from '../../../central/up/bundle.ts'
import { writeGauge } from '../../../central/up/gauge.ts'
import { parseManifest } from '../../../contract/model/manifest.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { formOf } from '../../support/challenger.ts'
import { ROOT } from '../../support/stack.ts'
import { until } from '../../support/until.ts'
import { CentralFixture } from './central-fixture.ts'
import { NatsFixture } from './nats-fixture.ts'

const SEED = 11
const MINUTES = 300
const folder = mkdtempSync(join(tmpdir(), 'atlas-regions-'))
const nats = new NatsFixture(['fra1'])
const central = new CentralFixture(nats)

beforeAll(async () => {
  await nats.start()
  await central.start(writeGauge(ROOT, await bundleEdge(ROOT, join(ROOT, '.atlas/cache')), nats.dir))
  await until('central is connected', () => central.connected())
})

afterAll(async () => {
  await central.stop()
  await nats.remove()
  rmSync(folder, { recursive: true, force: true })
})

async function train(...args: string[]): Promise<string> {
  const script = join(ROOT, 'central/train/main.node.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { cwd: folder })
  return stdout
}

function writeTraffic(region: string, seed: number): void {
  const { rps, startMs } = generateTraffic(seededRandom(seed), region, 1)
  const counts = Array.from(rps.subarray(0, MINUTES), (rate) => Math.round((rate || 0) * 60))
  const rows = counts.map((count, minute) => `${new Date(startMs + minute * 60_000).toISOString()},${count}`)
  writeFileSync(join(folder, `${region}.csv`), `timestamp_utc,value\n${rows.join('\n')}\n`)
}

describe(`a model averaged over regions (seed ${SEED})`, () => {
  it('is trained where the traffic is, averaged from what left it, and taken by the registry', {
    timeout: 120_000,
  }, async () => {
    writeTraffic('west', SEED)
    writeTraffic('north', SEED + 1)
    for (const region of ['west', 'north']) await train('region', region, `${region}.csv`)
    expect(statSync(join(folder, 'west.safetensors')).size).toBeLessThan(870_000)

    const said = await train('average', 'west.safetensors', 'north.safetensors', '--out', 'round-1')
    expect(said).toContain('west: 320 windows, 50.0 %')
    const read = (name: string) => new Uint8Array(readFileSync(join(folder, 'round-1', name)))
    const manifest = parseManifest(JSON.parse(new TextDecoder().decode(read('manifest.json'))))
    expect(manifest.forecaster.training.remark).toMatch(
      /^federated average, round 1, of west, north, on lstm-128-128-/,
    )
    const form = formOf({ manifest, model: read('forecaster.onnx') }, read('forecaster.fp32.onnx'))
    const put = await fetch(`${central.url}/v1/models`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${central.tokens.push}` },
    })
    expect([put.status, put.ok ? '' : await put.text()]).toEqual([201, ''])

    await train('region', 'west', 'west.csv', '--base', 'round-1', '--out', 'west-2.safetensors')
    const next = await train(
      'average',
      'west-2.safetensors',
      'north.safetensors',
      '--base',
      'round-1',
      '--out',
      'round-2',
    )
    expect(next).toContain('north: left out: it was trained from other weights')
    expect(next).toContain('federated average, round 2, of west,')
  })

  it('is refused, with the reason, when nothing fits its base', async () => {
    await expect(train('average', 'west.csv', '--out', 'none')).rejects.toMatchObject({
      stderr: expect.stringContaining('train: no delta is left to average'),
      stdout: expect.stringContaining('west.csv: left out: tensors refused'),
    })
  })
})
