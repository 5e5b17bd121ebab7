import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ModelGauge } from '../../../central/registry/model-gauge.node.ts'
import { bundleEdge } from '../../../central/up/bundle.ts'
import { writeGauge } from '../../../central/up/gauge.ts'
import { packModel } from '../../../contract/model/model-package.ts'
import { type ModelUpload, shippedModel } from '../../support/challenger.ts'
import { endlessModel, nanModel, otherShape, slowModel } from '../../support/costly-models.ts'
import { ROOT } from '../../support/stack.ts'
import { until } from '../../support/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'atlas-gauge-test-'))
let config = ''

beforeAll(async () => {
  config = writeGauge(ROOT, await bundleEdge(ROOT, join(ROOT, '.atlas/cache')), directory)
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

const packed = ({ manifest, model }: ModelUpload) => packModel(manifest, model)

/** Id of the workerd that was started with this configuration, once it has computed for a second. */
function busyWorkerd(file: string): number | null {
  const found = readdirSync('/proc').find((name) => {
    try {
      const ranNs = Number(readFileSync(`/proc/${name}/schedstat`, 'utf8').split(' ')[0])
      return ranNs > 1e9 && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(file)
    } catch {
      return false
    }
  })
  return found === undefined ? null : Number(found)
}

describe('the gauge, under the workerd that PoPs run', () => {
  it('tells what the shipped model costs', async () => {
    const measured = await new ModelGauge({ config }).measure(packed(shippedModel('shipped')))
    expect(measured.windowMs).toBeGreaterThan(0.05)
    expect(measured.windowMs).toBeLessThanOrEqual(5)
    expect(measured.windowP99Ms).toBeGreaterThanOrEqual(measured.windowMs)
    expect(measured.sessionMs).toBeGreaterThan(measured.windowMs)
    expect(measured.residentBytes ?? 2 ** 30).toBeGreaterThan(2 ** 20)
  })

  it('refuses a model that is too slow, with its figures', async () => {
    const slow = packed(await slowModel('slow'))
    await expect(new ModelGauge({ config }).measure(slow)).rejects.toMatchObject({
      code: 'model/slow',
      message: expect.stringMatching(/takes [\d.]+ ms a window \(p99 [\d.]+ ms\), at most 5 ms are allowed/),
    })
  })

  it('refuses one that is slow to start, with its figures', async () => {
    const gauge = new ModelGauge({ config, budget: { sessionMs: 1, windowMs: 5_000 } })
    await expect(gauge.measure(packed(shippedModel('shipped')))).rejects.toMatchObject({
      code: 'model/slow',
      message: expect.stringMatching(/needs [\d.]+ ms to start, at most 1 ms/),
    })
  })

  it('ends one that does not answer, and measures the next', async () => {
    const gauge = new ModelGauge({ config, limitMs: 8_000, budget: { sessionMs: 60_000, windowMs: 60_000 } })
    const endless = gauge.measure(packed(endlessModel('endless')))
    const next = gauge.measure(packed(shippedModel('shipped')))
    await expect(endless).rejects.toMatchObject({
      code: 'model/slow',
      message: expect.stringContaining('within 8 s'),
    })
    expect((await next).windowMs).toBeGreaterThan(0)
  })

  it.runIf(existsSync('/proc/self/cmdline'))('tells of one that brings workerd down', async () => {
    const measured = new ModelGauge({ config }).measure(packed(endlessModel('endless')))
    const settled = expect(measured).rejects.toMatchObject({
      code: 'model/unreadable',
      message: expect.stringMatching(/^workerd broke down while it ran the model \(.*(signal|SIGSEGV)/),
    })
    const pid = await until('workerd computes', () => busyWorkerd(config))
    process.kill(pid, 'SIGSEGV')
    await settled
  })

  it.each<[string, () => ModelUpload, string, RegExp]>([
    [
      'of another shape',
      () => otherShape('other'),
      'model/shape',
      /input must be window \[n, 60, \d+\], but is window \[n, 70/,
    ],
    ['whose weights are no numbers', () => nanModel('nan'), 'model/unreadable', /self-check.*NaN/],
  ])('passes on why the Worker refuses one %s', async (_, upload, code, message) => {
    const refused = new ModelGauge({ config }).measure(packed(upload()))
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it.each([
    ['was not told how', null, 'ATLAS_CENTRAL_GAUGE is not set'],
    [
      'was told of a file that is not there',
      '/nowhere/gauge.capnp',
      '/nowhere/gauge.capnp, which is not there',
    ],
    ['was told of a file that is no configuration', import.meta.filename, 'workerd ended with exit code 1'],
  ])('measures nothing where it %s, and says so', async (_, file, message) => {
    await expect(
      new ModelGauge({ config: file }).measure(packed(shippedModel('shipped'))),
    ).rejects.toMatchObject({
      code: 'setup/missing-tool',
      message: expect.stringContaining(message),
    })
  })
})
