import { describe, expect, it } from 'vitest'
import { type EdgeService, workerdConfig } from '../../../central/up/workerd-config.ts'

const edge: EdgeService = {
  name: 'local',
  port: 8787,
  objectsOf: 'local',
  vars: { ATLAS_POP: 'local' },
  secrets: { ATLAS_ADMIN_TOKEN: 'ADMIN' },
}
const config = {
  compatibilityDate: '2026-11-01',
  compatibilityFlags: [],
  modules: [
    { name: 'worker.js', kind: 'esModule', path: 'cache/worker.js' },
    { name: 'core.wasm', kind: 'wasm', path: 'cache/core.wasm' },
  ],
  objects: [{ binding: 'POP', className: 'PopObject' }],
  services: [edge],
  storageDir: '/state/objects',
} as const

describe('workerd configuration', () => {
  it('listens on loopback alone, and lets the Worker reach private addresses', () => {
    const text = workerdConfig(config)
    expect(text).toContain('address = "127.0.0.1:8787"')
    expect(text).toContain('allow = ["public", "private"]')
  })

  it('keeps the order of the modules, for workerd starts with the first', () => {
    const text = workerdConfig(config)
    expect(text.indexOf('esModule = embed "cache/worker.js"')).toBeLessThan(
      text.indexOf('wasm = embed "cache/core.wasm"'),
    )
  })

  it('writes no secret, only the name of the variable that has it', () => {
    expect(workerdConfig(config)).toContain('(name = "ATLAS_ADMIN_TOKEN", fromEnvironment = "ADMIN")')
  })

  it('binds a further isolate to the objects of the first, and gives it none of its own', () => {
    const second = { ...edge, name: 'local.1', port: 8788 }
    const text = workerdConfig({ ...config, services: [edge, second] })
    expect(text).toContain('durableObjectNamespace = (className = "PopObject", serviceName = "local")')
    expect(text.match(/uniqueKey/g)).toHaveLength(1)
    expect(text.match(/durableObjectStorage/g)).toHaveLength(1)
  })

  it('escapes quotes, backslashes and line ends in a variable', () => {
    const vars = { POLICY: '{"a":"b\\c"}\n' }
    const text = workerdConfig({ ...config, services: [{ ...edge, vars }] })
    expect(text).toContain('text = "{\\"a\\":\\"b\\\\c\\"}\\n"')
  })
})
