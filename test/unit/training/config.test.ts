import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createToken } from '../../../central/auth/token-file.ts'
import { createSigningKey } from '../../../central/policy/signing-key.ts'
import { type CentralVars, loadConfig } from '../../../central/server/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'atlas-config-test-'))
const vars: CentralVars = {
  ATLAS_CENTRAL_TOKENS_FILE: join(folder, 'tokens.json'),
  ATLAS_CENTRAL_SIGNING_KEY_FILE: join(folder, 'signing.json'),
}

beforeAll(async () => {
  const { entry } = createToken('boss', ['admin'])
  writeFileSync(join(folder, 'tokens.json'), JSON.stringify({ tokens: [entry] }))
  writeFileSync(join(folder, 'signing.json'), JSON.stringify(await createSigningKey()))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('central’s configuration of training', () => {
  it('is every seven days from minutes of 35 days or 1 GiB, unless it says otherwise', async () => {
    const { trainEveryDays, limits } = await loadConfig(vars)
    expect(trainEveryDays).toBe(7)
    expect(limits).toMatchObject({ minutesAgeMs: 35 * 86_400_000, minutesBytes: 1024 ** 3 })
    const other = await loadConfig({
      ...vars,
      ATLAS_TRAIN_EVERY_DAYS: '0',
      ATLAS_CENTRAL_MINUTES_BYTES: '2097152',
    })
    expect([other.trainEveryDays, other.limits.minutesBytes]).toEqual([0, 2 ** 21])
  })

  it.each(['-1', '1.5', '366', 'weekly'])('refuses %s as the days between', async (days) => {
    await expect(loadConfig({ ...vars, ATLAS_TRAIN_EVERY_DAYS: days })).rejects.toThrow(
      'ATLAS_TRAIN_EVERY_DAYS must be a whole number from 0 to 365',
    )
  })
})
