/** A chat on a Vulkan device whose worker is killed in mid-stream; the CPU is the next placement. */
import { CHAT, statusOf, until } from '../support/api.ts'
import { readChat } from './client.ts'
import type { Report } from './report.ts'
import { Tally } from './tally.ts'
import type { Prompt } from './truth.ts'
import { wrongStream } from './verdicts.ts'
import { makeWorld, type World } from './world.ts'

/** Milliseconds: the first answer compiles shaders, in software. */
const READY_MS = 90_000
const DEVICE = 'Vulkan0'
const QUESTIONS = ['Hello', 'What is an index for?', 'Why does a test fail?']
/** Characters after which the worker is killed. */
const CUTS = [1, 20, 60]

export async function runVulkan(
  { kills }: { kills: number },
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const tally = new Tally()
  const world = await makeWorld({
    config: { placement: { chat: `llama.cpp@${DEVICE}` } },
    project: false,
  })
  let [continued, moves] = [0, 0]
  try {
    const prompts: Prompt[] = []
    await workerReady(world)
    for (const content of QUESTIONS) {
      say(`undisturbed on ${DEVICE}: ${content}`)
      prompts.push(await undisturbed(world, content))
    }
    for (let kill = 0; kill < kills && !signal.aborted; kill += 1) {
      const prompt = prompts[kill % prompts.length]!
      const cut = CUTS[Math.floor(kill / prompts.length) % CUTS.length]!
      const pid = await workerReady(world)
      say(`kill ${kill + 1} of ${kills}, after ${cut} characters`)
      let killed = false
      const end = await readChat(world.server, prompt.body, {
        onText(text) {
          if (killed || text.length < cut) return
          killed = true
          process.kill(pid, 'SIGKILL')
        },
      })
      const wrong = killed ? wrongStream(end, prompt) : 'it ended before the kill'
      tally.count('stream on Vulkan', wrong ? 'WRONG' : 'ok')
      if (wrong) tally.fail(`stream on ${DEVICE}, killed after ${cut} characters: ${wrong}`)
      else continued += 1
      moves += end.moves
    }
    return {
      name: 'chaos on Vulkan',
      rows: [
        { what: 'streams whose worker was killed', value: tally.total(['stream on Vulkan']), unit: '' },
        { what: 'went on, equal to undisturbed', value: continued, unit: '', note: `${moves} moves told` },
        { what: 'wrong', value: tally.total(['stream on Vulkan'], 'WRONG'), unit: '', target: 0 },
      ],
      failures: tally.failures,
      details: { device: DEVICE, prompts: prompts.map(({ text }) => text) },
    }
  } finally {
    await world.end()
    await world.remove()
  }
}

async function undisturbed(world: World, content: string): Promise<Prompt> {
  const body = { model: CHAT, messages: [{ role: 'user', content }], temperature: 0, max_tokens: 32 }
  const end = await readChat(world.server, body)
  if (!end.done || end.finishReason === undefined)
    throw new Error(`the undisturbed chat on ${DEVICE} failed: ${end.error?.message ?? end.broken}`)
  return { body, text: end.text, finishReason: end.finishReason }
}

/** @returns the pid of the worker on the device */
async function workerReady({ server }: World): Promise<number> {
  let pid: number | undefined
  await until(
    async () => {
      const worker = (await statusOf(server)).workers.find(({ device }) => device === DEVICE)
      pid = worker?.pid
      return worker?.state === 'ready' && pid !== undefined
    },
    `the worker on ${DEVICE}`,
    READY_MS,
  )
  return pid!
}
