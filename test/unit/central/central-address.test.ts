import { expect, it } from 'vitest'
import { centralAddress } from '../../../central/ctl/central-address.ts'

const nothing = { flag: null, variable: null, isStateNamed: false, kept: null }
const kept = 'http://127.0.0.1:37070\n'
const variable = 'https://central.example'

it('finds the central of a stack on other ports by the state directory that it keeps its address in', () => {
  expect(centralAddress({ ...nothing, isStateNamed: true, kept })).toBe('http://127.0.0.1:37070')
  expect(centralAddress({ ...nothing, kept })).toBe('http://127.0.0.1:37070')
  expect(centralAddress(nothing)).toBe('http://127.0.0.1:7070')
})

it('takes --url before everything, a named state directory before the environment, that before the default one', () => {
  expect(centralAddress({ flag: 'http://a:1', variable, isStateNamed: true, kept })).toBe('http://a:1')
  expect(centralAddress({ ...nothing, variable, isStateNamed: true, kept })).toBe('http://127.0.0.1:37070')
  expect(centralAddress({ ...nothing, variable, isStateNamed: true })).toBe(variable)
  expect(centralAddress({ ...nothing, variable, kept })).toBe(variable)
})

it('names what holds an address that is none', () => {
  expect(() => centralAddress({ ...nothing, flag: 'localhost:7070' })).toThrow('--url must be')
  expect(() => centralAddress({ ...nothing, variable: '7070' })).toThrow('ATLAS_CENTRAL_URL must be')
  expect(() => centralAddress({ ...nothing, isStateNamed: true, kept: 'x' })).toThrow('central.url must be')
})
