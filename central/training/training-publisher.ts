import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Adaptation } from '../../contract/model/adaptation.ts'
import { parseAdapted } from '../../contract/model/adapted.ts'
import { type Adaptations, heldBackRatio } from '../registry/adaptations.ts'
import type { Registry } from '../registry/registry.ts'
import type { FittedAdaptation, TrainingResult } from './job.ts'
import type { Trained } from './training-process.ts'
import type { AdaptationOutcome, TrainingCall, TrainingState } from './training-state.ts'

export interface TrainingPublisherOptions {
  readonly adaptations: Pick<Adaptations, 'publish'>
  readonly registry: Pick<Registry, 'put' | 'shadow'>
  readonly onOutcome: (outcome: AdaptationOutcome) => void
  readonly onModel: (model: TrainingState['model']) => void
  readonly say: (line: string) => void
}

/** Takes what a training made to where it belongs: a reference into the registry and into shadow, regressions to their PoP. */
export class TrainingPublisher {
  readonly #options: TrainingPublisherOptions

  constructor(options: TrainingPublisherOptions) {
    this.#options = options
  }

  /** The reference first: adaptations beside one that the registry refuses are of no use. */
  async publish(call: TrainingCall, { result, file }: Trained): Promise<void> {
    let refusal: unknown = null
    if (result.global !== null)
      await this.#release(call, result.global, file).catch((thrown: unknown) => {
        refusal = thrown
      })
    const useless = refusal === null ? null : result.global?.sha256
    const adaptations = result.adaptations.filter(({ beside }) => beside !== useless)
    for (const pop of new Set(adaptations.map((one) => one.pop))) {
      const own = adaptations.filter((one) => one.pop === pop)
      await this.#publishAdaptations(call, pop, own, file)
    }
    if (refusal !== null) throw refusal
  }

  async #release(
    call: TrainingCall,
    { model, fp32, manifest }: NonNullable<TrainingResult['global']>,
    file: Trained['file'],
  ): Promise<void> {
    const { registry } = this.#options
    const described: unknown = JSON.parse(new TextDecoder().decode(file(manifest)))
    const { hash } = await registry.put(described, file(model), file(fp32), call.by)
    try {
      await registry.shadow(hash, { by: call.by, reason: whyOf(call) })
      this.#options.onModel({ hash, inShadow: true, reason: '' })
      this.#options.say(`${hash.slice(0, 12)} is in shadow`)
    } catch (thrown) {
      if (!(thrown instanceof AtlasError)) throw thrown
      this.#options.onModel({ hash, inShadow: false, reason: thrown.message })
      this.#options.say(`${hash.slice(0, 12)} is stored, but not in shadow: ${thrown.message}`)
    }
  }

  async #publishAdaptations(
    call: TrainingCall,
    pop: string,
    all: readonly FittedAdaptation[],
    file: Trained['file'],
  ): Promise<void> {
    const better: Adaptation[] = []
    for (const { beside, fitted, reason } of all) {
      const ratio = fitted === null ? null : heldBackRatio(fitted.heldBack)
      if (fitted !== null && ratio !== null && ratio < 1) {
        const { file: own, ...rest } = fitted
        try {
          const adapted = parseAdapted(JSON.parse(new TextDecoder().decode(file(own))))
          better.push({ v: 1, kind: 'adaptation', pop, series: 'total', beside, ...rest, adapted })
        } catch (thrown) {
          this.#options.onOutcome({ pop, beside, ratio, version: null, reason: messageOf(thrown) })
        }
      } else {
        const why = reason ?? 'on the minutes held back it was not better than without'
        this.#options.onOutcome({ pop, beside, ratio, version: null, reason: why })
      }
    }
    if (better.length === 0) return
    const caller = { by: call.by, reason: whyOf(call) }
    const [version, reason] = await this.#options.adaptations
      .publish(pop, better, caller)
      .then((release) => [release.version, ''] as const)
      .catch((thrown: unknown) => [null, messageOf(thrown)] as const)
    for (const { beside, heldBack } of better)
      this.#options.onOutcome({ pop, beside, ratio: heldBackRatio(heldBack), version, reason })
  }
}

function whyOf({ trigger, reason }: TrainingCall): string {
  return reason === '' ? `training by ${trigger}` : `training by ${trigger}: ${reason}`.slice(0, 400)
}
