import { alertMarks, spanAt } from './alert-spans.ts'
import { type ChartData, type ForecastPoint, nearest, rateTicks, timeTicks, unbroken } from './chart-data.ts'
import { element, vector } from './dom.ts'
import { date, hourAndMinute, rate, timeOfDay } from './format.ts'

/** Half the width of a time of day, in pixels: the last one is not cut off at the edge. */
const HALF_TIME = 28
const MARGIN = { top: 22, right: 14, bottom: 40, left: 58 }

interface Scale {
  readonly width: number
  readonly height: number
  readonly x: (atMs: number) => number
  readonly y: (rps: number) => number
  readonly timeAt: (x: number) => number
}

/** The live chart: an SVG that is drawn anew with each change, and a read-out that follows pointer or arrow keys. */
export class Chart {
  readonly #box: HTMLElement
  #data: ChartData | null = null
  #empty = ''
  /** The time that is read out; null while nobody points. */
  #pointedMs: number | null = null

  constructor(box: HTMLElement) {
    this.#box = box
    new ResizeObserver(() => this.#draw()).observe(box)
    box.addEventListener('pointermove', (event) => this.#pointAt(event.clientX))
    box.addEventListener('pointerdown', (event) => this.#pointAt(event.clientX))
    box.addEventListener('pointerleave', () => this.#point(null))
    box.addEventListener('blur', () => this.#point(null))
    box.addEventListener('keydown', (event) => this.#key(event))
  }

  /** @param empty what to say when there is nothing to draw */
  show(data: ChartData, empty: string): void {
    this.#data = data
    this.#empty = empty
    this.#draw()
  }

  #pointAt(clientX: number): void {
    const scale = this.#scale()
    if (scale) this.#point(scale.timeAt(clientX - this.#box.getBoundingClientRect().left))
  }

  #key(event: KeyboardEvent): void {
    const data = this.#data
    const direction = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (event.key === 'Escape') this.#point(null)
    if (!data || direction === 0) return
    event.preventDefault()
    const stepMs = (data.toMs - data.fromMs) / 60
    const atMs = (this.#pointedMs ?? data.nowMs) + direction * stepMs
    this.#point(Math.min(data.toMs, Math.max(data.fromMs, atMs)))
  }

  #point(atMs: number | null): void {
    this.#pointedMs = atMs
    this.#draw()
  }

  #scale(): Scale | null {
    const data = this.#data
    const { clientWidth: width, clientHeight: height } = this.#box
    if (!data || width < 80 || data.toMs <= data.fromMs) return null
    const most = Math.max(1, ...data.actual.map((p) => p.rps), ...data.forecast.map((p) => p.p90))
    const top = rateTicks(most * 1.05).at(-1) ?? 1
    const plotWidth = width - MARGIN.left - MARGIN.right
    const plotHeight = height - MARGIN.top - MARGIN.bottom
    const spanMs = data.toMs - data.fromMs
    return {
      width,
      height,
      x: (atMs) => MARGIN.left + ((atMs - data.fromMs) / spanMs) * plotWidth,
      y: (rps) => MARGIN.top + (1 - Math.max(0, rps) / top) * plotHeight,
      timeAt: (x) => data.fromMs + (Math.min(plotWidth, Math.max(0, x - MARGIN.left)) / plotWidth) * spanMs,
    }
  }

  #draw(): void {
    const data = this.#data
    const scale = this.#scale()
    if (!data || !scale || data.actual.length + data.forecast.length === 0) {
      this.#box.replaceChildren(element('p', { class: 'no-data' }, this.#empty))
      return
    }
    const svg = vector('svg', { viewBox: `0 0 ${scale.width} ${scale.height}`, 'aria-hidden': 'true' })
    svg.append(...alertMarks(data.alerts, plotOf(scale)), ...axes(data, scale), ...series(data, scale))
    const tip = this.#pointedMs === null ? null : readOut(data, scale, this.#pointedMs)
    if (tip) svg.append(...tip.marks)
    this.#box.replaceChildren(svg)
    if (!tip) return
    this.#box.append(tip.box)
    const right = tip.x > scale.width / 2
    tip.box.style.left = right ? `${Math.max(0, tip.x - tip.box.offsetWidth - 12)}px` : `${tip.x + 12}px`
  }
}

function plotOf({ width, height, x }: Scale) {
  return {
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: height - MARGIN.bottom,
    x,
  }
}

function axes(data: ChartData, scale: Scale): SVGElement[] {
  const { width, height, x, y } = scale
  const most = Math.max(1, ...data.actual.map((p) => p.rps), ...data.forecast.map((p) => p.p90))
  const left = MARGIN.left
  const right = width - MARGIN.right
  const bottom = height - MARGIN.bottom
  const rates = rateTicks(most * 1.05).flatMap((tick) => [
    vector('line', { class: tick === 0 ? 'axis' : 'grid', x1: left, x2: right, y1: y(tick), y2: y(tick) }),
    vector('text', { x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, rate(tick)),
  ])
  const ticks = timeTicks(data.fromMs, data.toMs, width / 90)
  const words = ticks.every((tick) => tick % 60_000 === 0) ? hourAndMinute : timeOfDay
  const times = ticks.flatMap((tick) => [
    vector('line', { class: 'axis', x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4 }),
    vector(
      'text',
      { x: Math.min(x(tick), width - HALF_TIME), y: bottom + 18, 'text-anchor': 'middle' },
      words(tick),
    ),
  ])
  const units = [
    vector('text', { x: 4, y: 12 }, 'requests / s'),
    vector('text', { x: right, y: height - 4, 'text-anchor': 'end' }, `time, UTC (${date(data.nowMs)})`),
  ]
  const now = [
    vector('line', { class: 'now', x1: x(data.nowMs), x2: x(data.nowMs), y1: MARGIN.top - 6, y2: bottom }),
    vector(
      'text',
      { x: x(data.nowMs), y: 12, 'text-anchor': data.toMs > data.nowMs ? 'middle' : 'end' },
      'now',
    ),
  ]
  return [...rates, ...times, ...units, ...now]
}

function series(data: ChartData, { x, y }: Scale): SVGElement[] {
  const line = <T extends { readonly atMs: number }>(points: readonly T[], read: (point: T) => number) =>
    points.map((point) => `${x(point.atMs).toFixed(1)},${y(read(point)).toFixed(1)}`)
  const forecasts = unbroken(data.forecast)
  const bands = forecasts.map((run) => {
    const edge = [...line(run, (point) => point.p90), ...line(run, (point) => point.p10).reverse()]
    return vector('polygon', { class: 'band', points: edge.join(' ') })
  })
  const measured = unbroken(data.actual).map((run) =>
    vector('polyline', { class: 'actual', points: line(run, (point) => point.rps).join(' ') }),
  )
  const medians = forecasts.map((run) =>
    vector('polyline', { class: 'p50', points: line(run, (point) => point.p50).join(' ') }),
  )
  return [...bands, ...measured, ...medians]
}

function readOut(data: ChartData, scale: Scale, atMs: number) {
  const reachMs = (data.toMs - data.fromMs) / 20
  const actual = nearest(data.actual, atMs, reachMs)
  const forecast = nearest(data.forecast, atMs, reachMs)
  const x = scale.x(atMs)
  const marks = [
    vector('line', { class: 'cross', x1: x, x2: x, y1: MARGIN.top, y2: scale.height - MARGIN.bottom }),
  ]
  if (actual) marks.push(dot('mark-actual', scale, actual.atMs, actual.rps))
  if (forecast) marks.push(dot('mark-p50', scale, forecast.atMs, forecast.p50))
  const line = (label: string, value: string) =>
    element('p', {}, element('span', { class: 'quiet' }, label), value)
  const box = element('div', { class: 'tip' }, element('b', {}, timeOfDay(atMs)))
  if (actual) box.append(line('actual', `${rate(actual.rps)} req/s`))
  if (forecast) box.append(...forecastLines(forecast, line))
  const alert = spanAt(data.alerts, atMs)
  if (alert) box.append(line('alert', alert.level))
  if (!actual && !forecast && !alert) box.append(line('no data here', ''))
  return { x, marks, box }
}

function forecastLines(
  point: ForecastPoint,
  line: (label: string, value: string) => HTMLElement,
): HTMLElement[] {
  return [
    line('forecast', `${rate(point.p50)} req/s`),
    line('10 % to 90 %', `${rate(point.p10)} to ${rate(point.p90)}`),
    line('made at', timeOfDay(point.madeAtMs)),
  ]
}

function dot(name: string, scale: Scale, atMs: number, rps: number): SVGElement {
  return vector('circle', { class: name, cx: scale.x(atMs), cy: scale.y(rps), r: 4.5 })
}
