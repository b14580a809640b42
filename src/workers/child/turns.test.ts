import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Priority } from '../../domain/index.ts'
import { Turns } from './turns.ts'

/** Calls that run until they are ended by name. */
function calls(atOnce: number) {
  const turns = new Turns(() => atOnce)
  const running = new Map<string, () => void>()
  return {
    running: () => [...running.keys()],
    add: (priority: Priority, ...names: string[]) => {
      for (const name of names)
        turns.add(priority, () => new Promise((resolve) => void running.set(name, resolve)))
    },
    end: async (name: string) => {
      running.get(name)!()
      running.delete(name)
      await turn()
      await turn()
    },
  }
}

test('one at a time, a person first', async () => {
  const { running, add, end } = calls(1)
  add('bulk', 'b1', 'b2')
  add('interactive', 'p1', 'p2')
  expect(running()).toEqual(['b1'])
  await end('b1')
  expect(running()).toEqual(['p1'])
  await end('p1')
  await end('p2')
  expect(running()).toEqual(['b2'])
})

test('bulk is not starved', async () => {
  const { running, add, end } = calls(1)
  add('interactive', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6')
  add('bulk', 'b1')
  const order: string[] = []
  for (let [name] = running(); name; [name] = running()) {
    order.push(name)
    await end(name)
  }
  expect(order).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'b1', 'p6'])
})

test('as many at once as the engine gains by; a person waits for none of bulk', async () => {
  const { running, add, end } = calls(2)
  add('bulk', 'b1', 'b2', 'b3')
  expect(running()).toEqual(['b1', 'b2'])
  add('interactive', 'p1', 'p2', 'p3')
  expect(running()).toEqual(['b1', 'b2', 'p1', 'p2'])
  await end('b1')
  expect(running()).toEqual(['b2', 'p1', 'p2'])
  await end('p1')
  expect(running()).toEqual(['b2', 'p2', 'p3'])
  await end('b2')
  await end('p2')
  expect(running()).toEqual(['p3', 'b3'])
})
