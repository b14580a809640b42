import { expect, test } from 'vitest'
import { StateLines, tellsState } from './state-lines.ts'

/** As build 11669 prints them. */
const state = (value: number) =>
  `cmd_child_to_router:state:{"state":"loading","payload":{"stages":["text_model"],"current":"text_model","value":${value}}}\n`

function read(chunks: readonly string[]): { shares: number[]; others: string } {
  const shares: number[] = []
  const lines = new StateLines((share) => shares.push(share))
  return { shares, others: chunks.map((chunk) => lines.push(chunk)).join('') }
}

test('its lines are taken out, however they are cut', () => {
  const text = `srv: loading\n${state(0)}${state(0.25)}srv: a line\n${state(1)}the end`
  const whole = { shares: [0, 0.25, 1], others: 'srv: loading\nsrv: a line\nthe end' }
  expect(read([text])).toEqual(whole)
  expect(read([...text])).toEqual(whole)
  expect(read(text.split(/(?<=stages)/))).toEqual(whole)
})

test('what only looks like one says nothing, and is no line for a person', () => {
  const ready = 'cmd_child_to_router:state:{"state":"ready","payload":{"id":"m"}}\n'
  const cut = 'cmd_child_to_router:state:{"state":"loading","pay\n'
  const beyond = state(7)
  expect(read([ready, cut, beyond])).toEqual({ shares: [], others: '' })
})

test('a line without an end does not fill the memory', () => {
  const endless = `cmd_child_to_router:state:${'x'.repeat(70_000)}`
  expect(read([endless]).others).toBe(endless)
})

test.each([
  ['b11669 (Debian)', true],
  ['b10000 (abc)', true],
  ['b7316 (abc)', false],
  ['v1.2 (fork)', false],
])('%s tells its state: %s', (version, tells) => {
  expect(tellsState(version)).toBe(tells)
})
