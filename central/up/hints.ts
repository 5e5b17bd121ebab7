import { relative, resolve } from 'node:path'
import type { PolicyChoice } from './policy-choice.ts'
import type { Stack } from './stack.ts'

/** Two lines below `ready:`: what to open and how to make traffic, and how to push a policy. */
export function hintLines(
  { urls }: Pick<Stack, 'urls'>,
  { storefront, file }: Pick<PolicyChoice, 'storefront' | 'file'>,
  trafficRps: number,
  /** How atlasctl is called from where `npm start` was. */
  atlasctl: string,
): string[] {
  const [edge] = urls.edges
  const traffic =
    trafficRps > 0
      ? `${trafficRps} requests a second are sent through`
      : `traffic: npm start -- --traffic 50${storefront ? ', or npm run replay -- flash-sale' : ''}`
  const picture = urls.central === null ? '' : ` · live picture: open ${urls.central}`
  const push =
    urls.central === null
      ? 'policy: as started (an island takes no push)'
      : `policy: ${atlasctl} policy push ${file ?? 'atlas.policy.yaml'}`
  return [`try: curl ${edge}/${picture} · ${traffic}`, push]
}

/** The command line of atlasctl for a stack, in the folder `cwd`: short where the defaults are right. */
export function atlasctlCommand(at: { cwd: string; root: string; stateDir: string }): string {
  const prefix = resolve(at.cwd) === resolve(at.root) ? '' : ` --prefix ${relative(at.cwd, at.root) || '.'}`
  const isDefault = resolve(at.stateDir) === resolve(at.root, '.atlas')
  return `npm run${prefix} atlasctl --${isDefault ? '' : ` --state-dir ${at.stateDir}`}`
}
