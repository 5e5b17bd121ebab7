/** Time that stands still until a test moves it; sleepers wake in order. */
export class FakeTime {
  now = 1_000_000
  readonly #sleepers: { atMs: number; wake: () => void }[] = []

  readonly wallMs = (): number => this.now

  readonly sleep = (ms: number): Promise<void> =>
    new Promise((wake) => {
      this.#sleepers.push({ atMs: this.now + ms, wake })
    })

  /** Moves on, sleeper by sleeper, and lets everything run that was waiting. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.now + ms
    for (;;) {
      await settle()
      this.#sleepers.sort((a, b) => a.atMs - b.atMs)
      const next = this.#sleepers[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#sleepers.shift()
      this.now = Math.max(this.now, next.atMs)
      next.wake()
    }
    this.now = untilMs
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
