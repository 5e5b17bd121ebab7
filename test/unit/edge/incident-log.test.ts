import { expect, it } from 'vitest'
import { IncidentLog } from '../../../edge/pipeline/incident-log.ts'

const incident = {
  id: '01salavshs',
  module: 'cart',
  target: 'http://10.0.0.6:9001',
  detail: 'connection refused',
}

it('says when, which module and which target, and lists a few incidents a second and how many more there were', () => {
  const lines: string[] = []
  const log = new IncidentLog((line) => lines.push(line))
  for (let request = 0; request < 1000; request++) log.add(incident, 5000 + request / 2)
  expect(lines).toHaveLength(5)
  expect(lines[0]).toBe(
    'atlas: 1970-01-01T00:00:05.000Z incident 01salavshs: module cart, http://10.0.0.6:9001: connection refused',
  )
  log.add(incident, 6100)
  expect(lines.slice(5)).toEqual([
    'atlas: 995 more incidents of that second are not listed',
    expect.stringContaining('1970-01-01T00:00:06.100Z'),
  ])
})

it('goes on when the clock is set back', () => {
  const lines: string[] = []
  const log = new IncidentLog((line) => lines.push(line))
  for (let request = 0; request < 9; request++) log.add(incident, 90_000)
  log.add(incident, 10_000)
  expect(lines).toHaveLength(7)
})
