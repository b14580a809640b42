import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Channel } from './channel.ts'

/** Keeps what is written to it, a piece for each write. */
class Pipe extends Duplex {
  readonly written: Buffer[] = []

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.written.push(chunk)
    done()
  }

  override _read(): void {}
}

function open() {
  const pipe = new Pipe()
  const heard: unknown[] = []
  const garbage: string[] = []
  const channel = new Channel(pipe, {
    onMessage: (value) => heard.push(value),
    onGarbage: (why) => garbage.push(why),
  })
  return { pipe, channel, heard, garbage }
}

test('the first message of a turn leaves at once, the others of it in one write, in their order', async () => {
  const { pipe, channel } = open()
  channel.send({ at: 1 })
  expect(pipe.written).toHaveLength(1)
  await Promise.resolve()
  channel.send({ at: 2, vectors: Float32Array.from([1, 2]) })
  channel.send({ at: 3 })
  expect(pipe.written).toHaveLength(1)
  await turn()
  expect(pipe.written).toHaveLength(2)
  channel.send({ at: 4 })
  expect(pipe.written).toHaveLength(3)

  const reader = open()
  for (const byte of Buffer.concat(pipe.written)) reader.pipe.push(Buffer.of(byte))
  await turn()
  expect(reader.heard).toEqual([
    { at: 1 },
    { at: 2, vectors: Float32Array.from([1, 2]) },
    { at: 3 },
    { at: 4 },
  ])
  expect(reader.garbage).toEqual([])
})

test('what cannot be cloned is the fault of its sender, and takes nothing with it', async () => {
  const { pipe, channel } = open()
  channel.send('before')
  expect(() => channel.send(() => {})).toThrow(/could not be cloned/)
  channel.send('after')
  await turn()
  const reader = open()
  reader.pipe.push(Buffer.concat(pipe.written))
  await turn()
  expect(reader.heard).toEqual(['before', 'after'])
})

test('a pipe that closes before the end of the turn takes nothing more', async () => {
  const { pipe, channel } = open()
  channel.send('first')
  channel.send('late')
  pipe.destroy()
  await turn()
  channel.send('later')
  await turn()
  expect(pipe.written).toHaveLength(1)
})
