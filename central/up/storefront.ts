import { join } from 'node:path'
import type { PartSpec } from './part.ts'
import { answers } from './probe.ts'

/** Processes of the example shop: the monolith, and one service a module. Ports are those its policy file names. */
export const STOREFRONT = [
  { name: 'monolith', port: 9000, modules: 'page,catalog,cart,payment,shipping' },
  { name: 'catalog', port: 9001, modules: 'catalog' },
  { name: 'cart', port: 9002, modules: 'cart' },
  { name: 'payment', port: 9003, modules: 'payment' },
  { name: 'shipping', port: 9004, modules: 'shipping' },
] as const
export type StorefrontName = (typeof STOREFRONT)[number]['name']

export const STOREFRONT_POLICY = 'examples/storefront/atlas.policy.yaml'

/** The shop's processes on the given ports (in the order of STOREFRONT), all on one store. */
export function storefrontParts(options: {
  root: string
  ports: readonly number[]
  storeFile: string
  /** Where the services call each other. */
  edge: string
  logFile: (name: string) => string
}): PartSpec[] {
  return STOREFRONT.map(({ name, modules, port: usual }, index) => {
    const port = options.ports[index] ?? usual
    return {
      name,
      command: process.execPath,
      args: [
        '--disable-warning=ExperimentalWarning',
        join(options.root, 'examples/storefront/server.node.ts'),
        ...['--port', String(port), '--modules', modules, '--store', options.storeFile],
        ...['--edge', options.edge],
      ],
      cwd: options.root,
      logFile: options.logFile(name),
      answers: () => answers(`http://127.0.0.1:${port}/healthz`),
    }
  })
}

/** From the addresses in the policy file to those the processes have. */
export function storefrontAddresses(ports: readonly number[]): Map<string, string> {
  return new Map(
    STOREFRONT.map(({ port }, index) => [
      `http://127.0.0.1:${port}`,
      `http://127.0.0.1:${ports[index] ?? port}`,
    ]),
  )
}
