/** A module of the bundle, as workerd takes it. */
export interface BundledModule {
  readonly name: string
  readonly kind: 'esModule' | 'wasm' | 'data'
  /** Path of its file, relative to the configuration's. */
  readonly path: string
}

/** One edge service: a Worker of its own isolate, on a port of its own. */
export interface EdgeService {
  readonly name: string
  readonly port: number
  /** The service whose Durable Objects it uses: its own name, or that of another isolate of its PoP. */
  readonly objectsOf: string
  /** Variables as text. */
  readonly vars: Readonly<Record<string, string>>
  /** Variables whose value workerd takes from an environment variable of its own: secrets stand in no file. */
  readonly secrets: Readonly<Record<string, string>>
}

export interface WorkerdConfig {
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  readonly modules: readonly BundledModule[]
  /** Binding name and class of each Durable Object namespace; all have SQLite. */
  readonly objects: readonly { readonly binding: string; readonly className: string }[]
  readonly services: readonly EdgeService[]
  /** Directory of the objects' databases. */
  readonly storageDir: string
}

/**
 * Text of a configuration for `workerd serve` (Cap'n Proto; workerd.capnp is its reference): the bundle as one Worker per
 * edge service, Durable Objects with SQLite on disk, and a network that reaches private addresses.
 */
export function workerdConfig(config: WorkerdConfig): string {
  const services = config.services.map(
    (service) => `    (name = ${quote(service.name)}, worker = ${worker(config, service)}),`,
  )
  const sockets = config.services.map(
    ({ name, port }) =>
      `    (name = ${quote(name)}, address = "127.0.0.1:${port}", http = (), service = ${quote(name)}),`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
${services.join('\n')}
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    (name = "objects", disk = (path = ${quote(config.storageDir)}, writable = true)),
  ],
  sockets = [
${sockets.join('\n')}
  ],
);

const modules :List(Workerd.Worker.Module) = [
${config.modules.map((module) => `  ${embedded(module)},`).join('\n')}
];
`
}

/**
 * Text of a configuration in which models are measured: the bundle as PoPs run it, entered by the way that only this
 * configuration opens. The address of socket `http` is given on the command line.
 */
export function gaugeConfig({
  compatibilityDate,
  compatibilityFlags,
  modules,
}: Pick<WorkerdConfig, 'compatibilityDate' | 'compatibilityFlags' | 'modules'>): string {
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [${modules.map(embedded).join(', ')}],
      compatibilityDate = ${quote(compatibilityDate)},
      compatibilityFlags = [${compatibilityFlags.map(quote).join(', ')}],
    )),
  ],
  sockets = [(name = "http", http = (), service = (name = "edge", entrypoint = "ModelGauge"))],
);
`
}

function embedded({ name, kind, path }: BundledModule): string {
  return `(name = ${quote(name)}, ${kind} = embed ${quote(path)})`
}

function worker(config: WorkerdConfig, service: EdgeService): string {
  const own = service.objectsOf === service.name
  const bindings = [
    ...config.objects.map(({ binding, className }) => {
      const designator = own
        ? quote(className)
        : `(className = ${quote(className)}, serviceName = ${quote(service.objectsOf)})`
      return `(name = ${quote(binding)}, durableObjectNamespace = ${designator})`
    }),
    ...Object.entries(service.vars).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`),
    ...Object.entries(service.secrets).map(
      ([name, variable]) => `(name = ${quote(name)}, fromEnvironment = ${quote(variable)})`,
    ),
  ]
  const namespaces = config.objects.map(
    ({ className }) =>
      `(className = ${quote(className)}, uniqueKey = ${quote(`${service.name}-${className}`)}, enableSql = true)`,
  )
  return `(
      modules = .modules,
      compatibilityDate = ${quote(config.compatibilityDate)},
      compatibilityFlags = [${config.compatibilityFlags.map(quote).join(', ')}],
      bindings = [
        ${bindings.join(',\n        ')},
      ],
      ${own ? `durableObjectNamespaces = [${namespaces.join(', ')}],\n      durableObjectStorage = (localDisk = "objects"),` : ''}
    )`
}

/** A Cap'n Proto text literal. Escapes: those of C; other bytes stand for themselves. */
function quote(text: string): string {
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
  return `"${escaped}"`
}
