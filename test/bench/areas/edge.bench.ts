import path from 'node:path'
import type { PolicyInput } from '../../../contract/policy.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { TapRing } from '../../../core-wasm/tap-ring.ts'
import { freePort } from '../../support/free-port.ts'
import { type BenchOptions, fromRounds, interleave, type Result, ratios } from '../harness.ts'
import { cpuTimeUs } from '../load/cpu-time.ts'
import { drive } from '../load/driver.ts'
import { type Running, run } from '../load/process.ts'
import { haproxy, installed, nginx, undici } from '../peers/proxies.ts'
import { serveWorker } from '../peers/workerd.ts'
import { median } from '../stats.ts'
import { benchStack, everythingOn } from './stack.ts'

const peers = path.resolve(import.meta.dirname, '../peers')

/**
 * CPU of a request through ATLAS (everything on, its PoP object ticking and syncing) beside the same request through
 * bare Workers and other proxies: all in one run, interleaved, on the deployed bundle in `workerd serve`.
 */
export default async function* edge({ quick, log }: BenchOptions): AsyncIterable<Result> {
  const [rounds, requests] = quick ? [5, 2000] : [15, 8000]
  const running: { stop(): Promise<void> }[] = []
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting
    running.unshift(started)
    return started
  }
  try {
    const originPort = await freePort()
    await keep(
      run(
        process.execPath,
        [path.resolve(import.meta.dirname, '../load/origin.node.ts'), `${originPort}`],
        originPort,
      ),
    )
    const ORIGIN = `http://127.0.0.1:${originPort}`
    log('starting ATLAS, with the tap and without, and its peers')
    const atlas = async (policy: PolicyInput): Promise<Running> => {
      const stack = await keep(benchStack(policy))
      const url = new URL(stack.urls.edges[0] ?? '')
      return { pid: stack.part('edge').pid ?? 0, port: Number(url.port), stop: stack.stop }
    }
    const policy = everythingOn(ORIGIN)
    const contenders: Record<string, Running> = {
      atlas: await atlas(policy),
      'atlas-tap-off': await atlas({ ...policy, steps: { tap: 'off' } }),
      hono: await keep(serveWorker(path.join(peers, 'hono.worker.ts'), { ORIGIN })),
      fetch: await keep(serveWorker(path.join(peers, 'fetch.worker.ts'), { ORIGIN })),
      undici: await keep(undici(originPort)),
    }
    const [nginxPath, haproxyPath] = [installed('nginx'), installed('haproxy')]
    if (nginxPath) contenders.nginx = await keep(nginx(nginxPath, originPort))
    if (haproxyPath) contenders.haproxy = await keep(haproxy(haproxyPath, originPort))

    const latencies: Record<string, number[]> = {}
    const measured = Object.fromEntries(
      Object.entries(contenders).map(([name, { pid, port }]) => [
        name,
        async () => {
          const before = cpuTimeUs(pid)
          const driven = await drive({
            port,
            requests,
            connections: 16,
            path: '/catalog/7?from=bench',
            headers: { 'cf-connecting-ip': '192.0.2.7' },
          })
          if (driven.ok !== requests)
            throw new Error(`${name}: ${driven.other} of ${requests} answers were not 200`)
          latencies[name] = [...(latencies[name] ?? []), median(driven.latenciesMs)]
          return (cpuTimeUs(pid) - before) / requests
        },
      ]),
    )
    const cpu = await interleave(measured, rounds, log)
    const { atlas: on = [], 'atlas-tap-off': off = [], hono = [], fetch = [] } = cpu
    yield fromRounds('edge.cpu_ratio_vs_hono', 'ratio', ratios(on, hono))
    yield fromRounds('edge.cpu_ratio_vs_fetch', 'ratio', ratios(on, fetch))
    for (const [name, figures] of Object.entries(cpu))
      yield fromRounds(`edge.cpu_us.${name}`, 'µs/request', figures)
    for (const [name, figures] of Object.entries(latencies)) {
      yield fromRounds(`edge.p50_ms.${name}`, 'ms at 16 connections', figures.slice(1))
    }
    yield fromRounds(
      'edge.tap_ab_us',
      'µs/request, on less off',
      on.map((figure, round) => figure - (off[round] ?? 0)),
    )
  } finally {
    for (const each of running) await each.stop()
  }
  yield fromRounds('edge.tap_us', 'µs/request, write and drain', tapRounds(quick ? 9 : 25))
}

/** The tap by itself: 8,192 records written and drained, per record. */
function tapRounds(rounds: number): number[] {
  const ring = new TapRing(loadCore())
  const records = 8192
  const round = () => {
    const began = performance.now()
    for (let record = 0; record < records; record++)
      ring.write(1000, record & 3, 200, 1 + (record % 97), 512, 0)
    ring.drain()
    return ((performance.now() - began) * 1000) / records
  }
  for (let warm = 0; warm < 20; warm++) round()
  return Array.from({ length: rounds }, round)
}
