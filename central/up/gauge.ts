import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { modulesOf, readWrangler } from './edge-part.ts'
import { gaugeConfig } from './workerd-config.ts'

/**
 * Writes the configuration of workerd in which central measures models.
 * @param bundle directory of the Worker's bundle; it must stay where it is
 * @returns path of the configuration, for ATLAS_CENTRAL_GAUGE
 */
export function writeGauge(root: string, bundle: string, directory: string): string {
  mkdirSync(directory, { recursive: true })
  const wrangler = readWrangler(root)
  const configFile = gaugeFile(directory)
  const text = gaugeConfig({
    compatibilityDate: wrangler.compatibility_date,
    compatibilityFlags: wrangler.compatibility_flags,
    modules: modulesOf(bundle, directory),
  })
  writeFileSync(configFile, text)
  return configFile
}

/** Where `writeGauge` puts the configuration. */
export function gaugeFile(directory: string): string {
  return join(directory, 'gauge.capnp')
}
