/** A server that measures while nobody needs it, and whose plan follows. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Plan, PlannedPlacement } from '../../src/domain/index.ts'
import { embed, until } from '../support/api.ts'
import { tandem } from '../support/cli.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** Measured at once, however busy the machine is: the tests beside this one keep it so. */
const calibration = { idleAfterS: 0, maxCpuBusy: 1, budgetMs: 1500 }

let server: TestServer
let plan: () => Promise<Plan>
let events: ReturnType<typeof followPlans>
beforeAll(async () => {
  const config = { openvino: { folder: openVinoFolder }, calibration }
  server = await startTestServer({ config, early: true }) // nothing is measured yet
  events = followPlans(server.url)
  await until(async () => (await fetch(`${server.url}/health`)).status === 200, 'the models')
  plan = async () => (await fetch(`${server.url}/tandem/v1/plan`)).json() as Promise<Plan>
})
afterAll(() => server?.stop())

describeOpenVino('[measured-placement] a server that nobody needs', () => {
  test('starts at once by rule of thumb, measures, and serves by the fastest engine of the device', async () => {
    let now: Plan | undefined
    const speed = ({ measured }: PlannedPlacement) => measured?.encoder?.textsPerSecond ?? 0
    await until(async () => {
      now = await plan()
      const [first] = now.tasks.embed ?? []
      const other = now.rejected.find(({ task, reason }) => task === 'embed' && /^slower: /.test(reason))
      return (
        first?.measured !== undefined && other !== undefined && now.tasks.chat?.[0]?.measured !== undefined
      )
    }, 'a plan with numbers')
    const [first] = now!.tasks.embed!
    expect(first?.reasons.join('; ')).toMatch(/measured: [\d.]+ texts\/s/)
    const slower = now!.rejected.find(({ task, reason }) => task === 'embed' && /^slower: /.test(reason))
    const [, rejected] = /^slower: ([\d.]+) texts\/s/.exec(slower!.reason) ?? []
    expect(speed(first!)).toBeGreaterThan(Number(rejected) * 0.99)

    await until(async () => {
      const response = await embed(server, 'where is the queue bounded?')
      return response.headers.get('x-tandem-engine') === first?.engine
    }, 'an answer by the plan')
    const { stdout } = await tandem(['plan'], { home: server.home })
    expect(stdout).toContain('measured: ')
    expect(stdout).not.toContain('not measured yet: chosen by rule of thumb')

    // an event tells why, where the first choice was not the best one
    if (first?.engine !== 'onnxruntime') {
      const [change] = await events.seen
      expect(change).toMatchObject({ cause: expect.stringMatching(/embed by \w+ on cpu was measured/) })
    }
    events.stop()
  })

  test('what was measured is known at the next start', async () => {
    const { code, stdout } = await tandem(['plan', '--json'], { home: server.home })
    expect(code).toBe(0)
    const { tasks } = JSON.parse(stdout) as Plan
    expect(tasks.embed?.[0]?.measured?.from).toBe('measured')
  })
})

/** The plans that `/tandem/v1/events` tells of. */
function followPlans(url: string) {
  const stopped = new AbortController()
  const read = async () => {
    const response = await fetch(`${url}/tandem/v1/events`, { signal: stopped.signal })
    let text = ''
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece
      const plans = [...text.matchAll(/^event: plan\ndata: (.*)\n\n/gm)]
      if (plans.length > 0) return plans.map(([, data]) => JSON.parse(data!) as { cause: string })
    }
    return []
  }
  const seen = read().catch((error: Error) => {
    if (stopped.signal.aborted) return []
    throw error
  })
  return { seen, stop: () => stopped.abort() }
}
