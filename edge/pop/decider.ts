import type { Mode } from '../../contract/coupling.ts'
import type { DecisionInput, DecisionOutput } from '../../contract/decision.ts'
import type { DecisionMessage, Draft } from '../../contract/messages.ts'
import type { Clock, Random } from '../../contract/ports.ts'
import { newTargets } from '../control/coupling-plan.ts'
import type { RouteTable } from '../control/route-table.ts'
import { DecisionDesk, type DecisionMemory, explain, type Sight, type Verdict } from './decision-desk.ts'
import { describe, describeGuard } from './decision-text.ts'
import { NoticeFilter } from './notice-filter.ts'
import type { PopMemory } from './pop-memory.ts'
import { preflight, type Reach } from './preflight.ts'
import type { TableKeeper } from './table-keeper.ts'
import { TransitionDesk } from './transition-desk.ts'

export interface DeciderPorts {
  /** Name of the PoP and its storage's epoch: decisions are numbered under both. */
  readonly name: string
  readonly epoch: string
  readonly tables: TableKeeper
  readonly memory: PopMemory
  readonly clock: Clock
  readonly random: Random
  readonly reach: Reach
  decide(input: DecisionInput): DecisionOutput
  atomically(write: () => void): void
  say(draft: Draft): void
  onChanged(before: RouteTable, after: RouteTable): void
}

/** Decides each tick, and sees a decision through: preflight, journalled table, and a message that says why. */
export class Decider {
  readonly #ports: DeciderPorts
  readonly #desk: DecisionDesk
  readonly #transitions: TransitionDesk
  readonly #notices = new NoticeFilter()

  constructor(ports: DeciderPorts, memory: DecisionMemory | undefined) {
    this.#ports = ports
    this.#desk = new DecisionDesk((input) => ports.decide(input), memory, ports.clock.nowMs())
    this.#transitions = new TransitionDesk({
      preflight: ({ output, sight }) =>
        preflight(ports.reach, newTargets(sight.table.policy, sight.table.vector, output.vector)),
      commit: (verdict, why) => this.#commit(verdict, why === '' ? '' : `stays: ${why}`),
      refuse: (verdict, why) => this.#tell(verdict, 'refused', why),
      wallMs: () => ports.clock.wallMs(),
      random: ports.random,
    })
  }

  /** Settles when a preflight that this tick began is in; the tick does not wait for it. */
  tick(sight: Sight): Promise<void> {
    const verdict = this.#desk.decide(sight)
    const { output } = verdict
    const isHeld = output.guard !== 'none' && output.proposed !== sight.table.vector
    if (isHeld) this.#tell(verdict, 'held', describeGuard(explain(verdict)))
    else if (output.vector === sight.table.vector) this.#notices.clear()
    return this.#transitions.propose(verdict)
  }

  /** The mode that the rules would ask for in this sight. */
  wouldAskFor(sight: Sight): Mode {
    return this.#desk.wouldAskFor(sight)
  }

  /** A policy has replaced the table; where modules moved with it, their dwell begins. */
  policyApplied(before: RouteTable, after: RouteTable): void {
    const loose = ({ policy, vector }: RouteTable) =>
      policy.modules.filter((_, index) => (vector & (1 << index)) !== 0).map((module) => module.name)
    if (loose(before).join() !== loose(after).join()) this.#desk.restartDwell(this.#ports.clock.nowMs())
  }

  memory(): DecisionMemory {
    return this.#desk.memory()
  }

  #commit(verdict: Verdict, why: string): void {
    const { tables, clock, atomically, onChanged } = this.#ports
    const before = tables.current
    if (before.version !== verdict.sight.table.version) return
    atomically(() => {
      const after = tables.replaceVector(verdict.output.vector)
      this.#desk.commit(verdict, clock.nowMs())
      onChanged(before, after)
      this.#tell(verdict, 'applied', why)
    })
  }

  #tell(verdict: Verdict, outcome: DecisionMessage['outcome'], why: string): void {
    const { name, epoch, clock, memory, say } = this.#ports
    if (!this.#notices.isNews(verdict.output, outcome, clock.wallMs())) return
    const explanation = explain(verdict)
    const decision = {
      ...explanation,
      atMs: clock.nowMs(),
      id: `${name}-${epoch}-${memory.nextDecision()}`,
      outcome,
      detail: [describe(explanation), why].filter((part) => part !== '').join('; '),
    }
    memory.lastDecision = decision
    say({ kind: 'decision', ...decision })
  }
}
