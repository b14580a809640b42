/** The command `npm run compat`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { runCommand } from '../support/command-line.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Installed, installClients } from './install.ts'
import { type ClientResult, document, failuresOf, table } from './matrix.ts'

const CHAT = 'tandem-tiny-chat'
const EMBED = 'tandem-embed-small'
/** A client that hangs is ended. */
const CLIENT_MS = 480_000
const INDEX_MS = 240_000

const CLIENTS: Readonly<Record<string, string>> = {
  openai: 'openai.mjs',
  'anthropic sdk': 'anthropic.mjs',
  ollama: 'ollama.mjs',
  'ai sdk': 'ai-sdk.mjs',
  'langchain.js': 'langchain.mjs',
  'llamaindex.ts': 'llamaindex.mjs',
  'llama.vim requests': 'llama-editor.mjs',
  'openai (Python)': 'openai_python.py',
  'ollama (Python)': 'ollama_python.py',
}

const HELP = `npm run compat -- [options]

Starts a real server and lets the clients that people use ask it for all that they have; prints which of them can do what.
The clients are installed into .cache/compat, from the registries of npm and Python. Exit code 0: all works, 1: something
does not, 2: wrong use.

  --only CLIENT      one of: ${Object.keys(CLIENTS).join(', ')}
  --json             the result as one JSON document
  --help
`

const Line = z.union([
  z.object({ version: z.string() }),
  z.object({ route: z.string(), problem: z.string().optional() }),
])

const Options = z.strictObject({
  only: z.enum(Object.keys(CLIENTS)).optional(),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
})

/** @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await runCommand(argv, Options, HELP, compare)
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown)
    return 1
  }
}

async function compare({ only, json }: z.infer<typeof Options>): Promise<number> {
  const installed = await installClients((text) => console.error(text))
  const folder = await mkdtemp(join(tmpdir(), 'tandem-compat-'))
  let server: TestServer | undefined
  try {
    await mkdir(join(folder, 'src'))
    await writeFile(join(folder, 'src', 'queue.ts'), SOURCE)
    server = await startTestServer({ projects: [folder] })
    const project = await indexedProject(server.url)
    const results: ClientResult[] = []
    for (const [client, script] of Object.entries(CLIENTS)) {
      if (only !== undefined && only !== client) continue
      console.error(`asking with ${client}`)
      results.push(await resultOf(client, script, installed, server.url, project))
    }
    const failures = failuresOf(results)
    console.log(json ? JSON.stringify(document(results), null, 2) : table(results))
    for (const failure of failures) console.error(failure)
    return failures.length > 0 ? 1 : 0
  } finally {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const SOURCE = `/** Waiting requests; the queue is bounded: past the limit a request is refused. */
export class Queue {
  constructor(readonly limit: number, readonly waiting: string[] = []) {}

  /** Bounds the queue. */
  push(request: string): void {
    if (this.waiting.length >= this.limit) throw new Error('the queue is full')
    this.waiting.push(request)
  }
}
`

async function indexedProject(url: string): Promise<string> {
  const endMs = performance.now() + INDEX_MS
  while (performance.now() < endMs) {
    const response = await fetch(`${url}/tandem/v1/status`)
    const { projects } = (await response.json()) as { projects: { name: string; state: string }[] }
    if (projects[0]?.state === 'ready') return projects[0].name
    await sleep(100)
  }
  throw new Error(`the project was not indexed within ${INDEX_MS / 1000} s`)
}

async function resultOf(
  client: string,
  script: string,
  { scripts, python }: Installed,
  url: string,
  project: string,
): Promise<ClientResult> {
  const routes = new Map<string, string | undefined>()
  const command = script.endsWith('.py') ? python : process.execPath
  if (command === undefined)
    return { client, version: '', routes, problem: 'not tried: no Python with venv and pip is here' }
  const child = spawn(command, [join(scripts, script)], {
    env: {
      ...process.env,
      TANDEM_URL: url,
      TANDEM_CHAT: CHAT,
      TANDEM_EMBED: EMBED,
      TANDEM_PROJECT: project,
      AI_SDK_LOG_WARNINGS: 'false',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: CLIENT_MS,
  })
  let version = ''
  const closed = once(child, 'close')
  for await (const text of createInterface({ input: child.stdout })) {
    const line = Line.parse(JSON.parse(text))
    if ('version' in line) version = line.version
    else routes.set(line.route, line.problem)
  }
  const [code, signal] = await closed
  const problem =
    code === 0 && version !== '' ? undefined : `ended with ${signal ?? code} after ${routes.size} routes`
  return { client, version, routes, ...(problem === undefined ? {} : { problem }) }
}
