import type { Overview } from '../../registry/registry.ts'
import { byId, element, setText, show } from './dom.ts'
import { errorRows, modelFacts, type PopFacts, popFacts, shadowProgress } from './model-facts.ts'
import type { PopState } from './state.ts'
import { tileNode } from './tiles.ts'

/** Between two questions to central: what is asked is summed over the whole registry. */
const LEAST_MS = 10_000

/** The panel of models: what runs, how it measures, and what each PoP's forecasts are worth. */
export class ModelsPanel {
  #overview: Overview | null = null
  #askedMs = Number.NEGATIVE_INFINITY
  #busy = false

  /**
   * Asks central, unless it was asked a moment ago; what cannot be had now stays as it was.
   * @param nowMs of any clock that goes on
   * @returns whether there is something new to draw
   */
  async ask(fetchOverview: () => Promise<Response>, nowMs: number): Promise<boolean> {
    if (this.#busy || nowMs - this.#askedMs < LEAST_MS) return false
    this.#busy = true
    this.#askedMs = nowMs
    try {
      const response = await fetchOverview()
      if (response.ok) this.#overview = (await response.json()) as Overview
      return response.ok
    } catch {
      return false
    } finally {
      this.#busy = false
    }
  }

  draw(pops: readonly PopState[], nowMs: number): void {
    const overview = this.#overview
    byId('models').hidden = overview === null
    if (overview === null) return
    const facts = modelFacts(overview, nowMs)
    show(byId('model-facts'), facts, () => facts.map(tileNode))
    this.#drawPairing(overview)
    const rows = popFacts(pops, overview)
    byId('forecast-part').hidden = rows.length === 0
    show(byId('forecasts'), rows, () => rows.map(popRow))
  }

  #drawPairing(overview: Overview): void {
    const { pairing } = overview
    byId('pairing-part').hidden = pairing === null
    const progress = shadowProgress(overview)
    if (pairing === null || progress === null) return
    const bar = byId<HTMLProgressElement>('shadow')
    bar.max = Math.max(progress.of, Number.MIN_VALUE)
    bar.value = progress.done
    setText(byId('shadow-text'), progress.text)
    setText(byId('rival-head'), pairing.role === 'challenger' ? 'Challenger' : 'Former')
    const rows = errorRows(pairing)
    show(byId('errors'), rows, () => rows.map(errorRow))
  }
}

function errorRow([horizon = '', ...figures]: readonly string[]): HTMLElement {
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, horizon),
    ...figures.map((figure) => element('td', { class: 'num' }, figure)),
  )
}

function popRow({ pop, forecaster, isReactive, rolling, lastDay, drift, hasDrifted }: PopFacts): HTMLElement {
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, pop),
    element('td', { class: isReactive ? 'words warned' : 'words' }, forecaster),
    element('td', { class: 'num' }, rolling),
    element('td', { class: 'num' }, lastDay),
    element('td', { class: hasDrifted ? 'num bad' : 'num' }, drift),
  )
}
