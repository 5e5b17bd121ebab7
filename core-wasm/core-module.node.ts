import { readFileSync } from 'node:fs'
import { AtlasError } from '../contract/errors.ts'

function compile(): WebAssembly.Module {
  const file = new URL('./build/core.wasm', import.meta.url)
  try {
    return new WebAssembly.Module(readFileSync(file))
  } catch (cause) {
    throw new AtlasError('setup/failed', `cannot load ${file.pathname}; make it with: npm run build`, {
      cause,
    })
  }
}

export default compile()
