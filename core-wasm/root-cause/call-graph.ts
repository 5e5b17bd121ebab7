/** One module calls another. */
export interface Call {
  readonly caller: string
  readonly callee: string
  /** Requests sent along this edge while the anomaly lasted, where the tap counted them. */
  readonly requests?: number
}

/** Who calls whom. A module need not appear in any call; calls may form cycles. */
export interface CallGraph {
  readonly calls: readonly Call[]
}

/**
 * The calls that a front door's requests cause, without those that close a cycle: a module that is being waited for
 * cannot have its slowness explained by the module that waits. Of a cycle those calls are left out that lead to a
 * module as near to the front door as the caller, or nearer.
 */
export class Callees {
  /** All modules that the front door's requests can reach, nearest first, so the front door at the head. */
  readonly modules: readonly string[]
  readonly #byCaller: ReadonlyMap<string, readonly Call[]>

  constructor(graph: CallGraph, front: string) {
    const all = Map.groupBy(graph.calls, ({ caller }) => caller)
    const depths = depthsFrom(front, all)
    const depth = (module: string) => depths.get(module) ?? Number.POSITIVE_INFINITY
    const closes = ({ caller, callee }: Call) =>
      depth(callee) <= depth(caller) && depthsFrom(callee, all).has(caller)
    this.modules = [...depths.keys()]
    this.#byCaller = new Map(
      this.modules.map((module) => [module, (all.get(module) ?? []).filter((call) => !closes(call))]),
    )
  }

  of(module: string): readonly Call[] {
    return this.#byCaller.get(module) ?? []
  }
}

/** How many calls away each module is that can be reached from `module`. */
function depthsFrom(module: string, calls: ReadonlyMap<string, readonly Call[]>): Map<string, number> {
  const depths = new Map([[module, 0]])
  for (const [near, depth] of depths)
    for (const { callee } of calls.get(near) ?? []) if (!depths.has(callee)) depths.set(callee, depth + 1)
  return depths
}
