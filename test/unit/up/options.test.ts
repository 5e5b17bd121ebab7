import { describe, expect, it } from 'vitest'
import { parseOptions, USAGE } from '../../../central/up/options.ts'

describe('flags of npm start', () => {
  it('has defaults for all', () => {
    expect(parseOptions([])).toEqual({
      check: false,
      help: false,
      quiet: false,
      nats: true,
      traffic: 0,
      origin: null,
      policyFile: null,
      stateDir: null,
      ports: { edge: 8787, central: 7070, nats: 4222, storefront: 9000 },
    })
  })

  it('names an unknown flag and lists those there are', () => {
    expect(() => parseOptions(['--orgin', 'x'])).toThrow(/--orgin.*there are:.*--origin/)
    expect(() => parseOptions(['extra'])).toThrow(/extra.*there are:/)
  })

  it('refuses a port outside its range and says the range', () => {
    expect(() => parseOptions(['--port', '99999'])).toThrow('--port must be a whole number from 0')
    expect(() => parseOptions(['--nats-port', '65535'])).toThrow('to 65534')
    expect(() => parseOptions(['--central-port', 'http'])).toThrow('"http"')
  })

  it('takes a rate of traffic', () => {
    expect(parseOptions(['--traffic', '50']).traffic).toBe(50)
    expect(() => parseOptions(['--traffic', 'much'])).toThrow('--traffic must be a whole number')
  })

  it('refuses an origin that is no address, and drops a final slash', () => {
    expect(() => parseOptions(['--origin', 'localhost:3000'])).toThrow('--origin must be an address like')
    expect(parseOptions(['--origin', 'http://localhost:3000/']).origin).toBe('http://localhost:3000')
  })

  it('explains each flag', () => {
    for (const flag of [
      'check',
      'origin',
      'policy',
      'traffic',
      'port',
      'central-port',
      'nats-port',
      'state-dir',
      'no-nats',
      'quiet',
    ])
      expect(USAGE).toContain(`--${flag}`)
  })
})
