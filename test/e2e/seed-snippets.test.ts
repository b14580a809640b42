/** What a user of two services wrote: embed at the one, ask at the other with what came back. Run as it stands. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { indexed } from '../support/api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const QUESTION = 'Which function takes the oldest waiting request?'
const QUEUE = `/** Takes the oldest waiting request out of the queue, or undefined when nothing waits. */
export function takeOldest(waiting: string[]): string | undefined {
  return waiting.shift()
}
`

/** Standard library only; the two addresses come from the environment. */
const PYTHON = `
import json, os, urllib.request

def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)

question = os.environ["QUESTION"]
context = post(os.environ["EMBED_URL"] + "/embed", {"text": question})
answer = post(os.environ["CHAT_URL"] + "/v1/chat/completions", {
    "messages": [{"role": "user", "content": question}],
    "context": context,
})
print(json.dumps({"context": context, "answer": answer}))
`

/** The header is the one that curl sends by itself at the first address, and JSON's at the second. */
const CURL = `
set -e
context=$(curl -sS --fail "$EMBED_URL/embed" -d "{\\"text\\": \\"$QUESTION\\"}")
answer=$(curl -sS --fail "$CHAT_URL/v1/chat/completions" -H "Content-Type: application/json" \\
  -d "{\\"messages\\": [{\\"role\\": \\"user\\", \\"content\\": \\"$QUESTION\\"}], \\"context\\": $context}")
printf '{"context": %s, "answer": %s}' "$context" "$answer"
`

interface Printed {
  readonly context: number[][]
  readonly answer: {
    readonly choices: { readonly message: { readonly content: string } }[]
    readonly tandem: { readonly citations: { readonly path: string }[] }
  }
}

let folder: string
let server: TestServer
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-project-'))
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src', 'queue.ts'), QUEUE)
  server = await startTestServer({ config: { server: { compat: { embedPort: 0 } } }, projects: [folder] })
  await indexed(server)
  const [embedUrl] = await server.alsoAt()
  env = { ...process.env, EMBED_URL: embedUrl, CHAT_URL: server.url, QUESTION }
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Whether a program is here; that it is not is said. */
function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    process.stderr.write(`the snippet for ${program} did not run: ${program} is not installed\n`)
    return false
  }
}

const run = promisify(execFile)

describe.each([
  ['python3', ['-c', PYTHON]],
  ['curl', ['-c', CURL]],
] as const)('%s', (program, args) => {
  test.skipIf(!has(program))('embeds on its own port, and the chat answers from the project', async () => {
    expect(env['EMBED_URL']).not.toBe(env['CHAT_URL'])
    const { stdout } = await run(program === 'curl' ? 'sh' : program, args, { env, timeout: 250_000 })
    const { context, answer } = JSON.parse(stdout) as Printed
    expect(context).toHaveLength(1)
    expect(context[0]).toHaveLength(384)
    expect(Math.hypot(...context[0]!)).toBeCloseTo(1, 3)
    expect(answer.choices[0]!.message.content).toContain('takeOldest')
    expect(answer.tandem.citations[0]!.path).toBe('src/queue.ts')
  })
})

test('an answer goes by the vector: one of another question finds nothing to cite', async () => {
  const embedded = await fetch(`${env['EMBED_URL']}/embed`, {
    method: 'POST',
    body: JSON.stringify({ text: 'Who won the 1954 football world cup?' }),
  })
  const context = await embedded.json()
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'And then?' }], context }),
  })
  expect(response.headers.get('x-tandem-refusal')).toBe('true')
  expect(((await response.json()) as Printed['answer']).tandem.citations).toEqual([])
})
