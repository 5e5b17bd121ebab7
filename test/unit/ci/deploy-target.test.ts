import { describe, expect, it } from 'vitest'
// @ts-expect-error plain JavaScript, for it runs before anything is installed
import { refusalOf } from '../../../.ci/deploy-target.mjs'

const toml = (origin: string) => `[vars]\nATLAS_ORIGIN = "${origin}"\n`

describe('npm run deploy', () => {
  it.each(['http://127.0.0.1:9000', 'http://localhost:3000', 'http://[::1]:80'])(
    'refuses %s as origin',
    (origin) => {
      expect(refusalOf(toml(origin), [])).toMatch(/^not deployed: ATLAS_ORIGIN in wrangler\.toml is .*--var/)
    },
  )

  it('lets a dry run, a --var and a public address pass', () => {
    const local = toml('http://127.0.0.1:9000')
    expect(refusalOf(local, ['--dry-run'])).toBeNull()
    expect(refusalOf(local, ['--var', 'ATLAS_ORIGIN:https://shop.example'])).toBeNull()
    expect(refusalOf(local, ['--var', 'OTHER:1'])).not.toBeNull()
    expect(refusalOf(toml('https://shop.example'), [])).toBeNull()
    expect(refusalOf(toml('https://localhost.example'), [])).toBeNull()
  })
})
