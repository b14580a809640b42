/** SIGKILL of the openvino worker: while it embeds in bulk, and while it compiles. */
import { afterEach, expect, test } from 'vitest'
import { isRunning, isStandby, workersOf } from '../processes.ts'
import { embed, engineReady, statusOf, until } from '../support/api.ts'
import { killAtWork } from '../support/at-work.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { cosine } from '../support/read-index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const TEXTS = Array.from(
  { length: 400 },
  (_, at) =>
    `/** Sums the orders of region ${at}. */\nexport const sum${at} = (orders: number[]) => orders[${at}]`,
)
/** Of one engine: dynamic int8 makes a vector depend a little on what shares its batch; .99979 has been seen. */
const SAME_VECTOR = 0.9995
/** Of two engines, each 0.9998 from the unquantized model: their roundings add up. 0.99 is promised. */
const OTHER_ENGINE = 0.999

const config = { openvino: { folder: openVinoFolder }, placement: { embed: 'openvino@CPU' } }

let server: TestServer | undefined
afterEach(async () => {
  server?.signal('SIGKILL')
  await server?.exited
  server = undefined
})

async function embedAll(running: TestServer) {
  const response = await embed(running, TEXTS, 'bulk')
  const text = await response.text()
  expect(response.status, text).toBe(200)
  const { data } = JSON.parse(text) as { data: { embedding: number[] }[] }
  return {
    engine: response.headers.get('x-tandem-engine'),
    fallback: response.headers.get('x-tandem-fallback'),
    vectors: data.map(({ embedding }) => Float32Array.from(embedding)),
  }
}

function lowestCosine(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a).toHaveLength(b.length)
  return Math.min(...a.map((vector, at) => cosine(vector, b[at]!)))
}

describeOpenVino('the openvino worker is killed', () => {
  test('[failure-domains] [no-silent-fallback] in the middle of bulk: no client error, onnxruntime takes over and says so', async () => {
    server = await startTestServer({ config })
    const worker = await engineReady(server, 'openvino')
    await engineReady(server, 'onnxruntime')
    const calm = await embedAll(server)
    expect(calm).toMatchObject({ engine: 'openvino', fallback: null })

    const isAtWork = async () => {
      const { workers } = await statusOf(server!)
      return workers.some(({ id, running }) => id === worker.id && running > 0)
    }
    let answer: Awaited<ReturnType<typeof embedAll>>
    let killed = false
    for (let tries = 0; ; tries += 1) {
      let ended = false
      const disturbed = embedAll(server).finally(() => {
        ended = true
      })
      await until(async () => ended || (await isAtWork()), 'the bulk at openvino')
      killed = await killAtWork([worker.pid!], isAtWork)
      answer = await disturbed
      if (killed || tries === 10) break
    }
    expect(killed).toBe(true)
    expect(answer.fallback).toMatch(/^openvino on CPU is (restarting|starting)/)
    expect(lowestCosine(answer.vectors, calm.vectors)).toBeGreaterThanOrEqual(OTHER_ENGINE)

    const back = await engineReady(server, 'openvino')
    expect(back.pid).not.toBe(worker.pid)
    const again = await embedAll(server)
    expect(again).toMatchObject({ engine: 'openvino', fallback: null })
    expect(lowestCosine(again.vectors, calm.vectors)).toBeGreaterThanOrEqual(SAME_VECTOR)
  })

  test.runIf(process.platform === 'linux')(
    '[failure-domains] while it compiles: it is started again, and nothing is left of it',
    { timeout: 600_000 },
    async () => {
      server = await startTestServer({ config, early: true })
      const { pid } = server
      let compiling: number[] = []
      await until(async () => {
        const { workers } = await statusOf(server!)
        const answering = workers.map((each) => each.pid)
        compiling = workersOf(pid).filter((each) => !answering.includes(each))
        return compiling.length > 0
      }, 'workers that load')
      for (const each of compiling) process.kill(each, 'SIGKILL')
      await engineReady(server, 'openvino')
      await engineReady(server, 'onnxruntime')
      await engineReady(server, 'llama.cpp', 'chat')
      expect(compiling.some(isRunning)).toBe(false)
      const leftOver = async () => {
        const answering = (await statusOf(server!)).workers.map((each) => each.pid!)
        return workersOf(pid).filter((each) => !isStandby(each) && !answering.includes(each))
      }
      // one that was just started does not say yet that it stands by
      await until(async () => (await leftOver()).length === 0, 'only processes that answer or stand by')
      expect(await server.stop()).toBe(0)
      expect(workersOf(pid)).toEqual([])
    },
  )

  test.runIf(process.platform === 'linux')(
    '[failure-domains] the server is killed while it compiles: the workers go with it',
    { timeout: 600_000 },
    async () => {
      server = await startTestServer({ config, early: true })
      const { pid } = server
      await until(() => workersOf(pid).length >= 3, 'the workers')
      server.signal('SIGKILL')
      await server.exited
      await until(() => workersOf(pid).length === 0, 'the workers go with their server')
    },
  )
})
