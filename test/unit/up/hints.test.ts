import { describe, expect, it } from 'vitest'
import { atlasctlCommand } from '../../../central/up/hints.ts'

describe('the command line of atlasctl that npm start tells', () => {
  it('is the short one in the project itself', () => {
    expect(atlasctlCommand({ cwd: '/atlas', root: '/atlas/', stateDir: '/atlas/.atlas' })).toBe(
      'npm run atlasctl --',
    )
  })

  it('names the project, and a state directory of one’s own, from elsewhere', () => {
    expect(atlasctlCommand({ cwd: '/shop', root: '/atlas', stateDir: '/shop/state' })).toBe(
      'npm run --prefix ../atlas atlasctl -- --state-dir /shop/state',
    )
  })
})
