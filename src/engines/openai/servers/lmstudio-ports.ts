/** On which ports LM Studio serves REST: 1234 is only where it begins. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

/** Of its own clients (lmstudio-js, lms-common `apiServerPorts`): one answers wherever the app runs, its REST server on or off. */
const GREETING_PORTS = [41343, 52993, 16141, 39414, 22931]
const Greeting = z.object({ lmstudio: z.literal(true) })
/** What its command line reads (lms, `src/subcommands/server.ts`): the port that the REST server last had. */
const ServerConfig = z.object({ port: z.int().min(1).max(65_535) })

/**
 * The greeting tells only that LM Studio runs; the port of its REST server stands in its own folder.
 * @param get asks a port of this machine
 * @returns none when it does not run, or the folder does not tell
 */
export async function lmStudioPorts(
  get: (port: number, path: string) => Promise<unknown>,
  env: NodeJS.ProcessEnv,
  greetingPorts: readonly number[] = GREETING_PORTS,
): Promise<number[]> {
  const greetings = await Promise.all(greetingPorts.map((port) => get(port, '/lmstudio-greeting')))
  if (!greetings.some((each) => Greeting.safeParse(each).success)) return []
  const file = join(await lmStudioHome(env), '.internal', 'http-server-config.json')
  const config = ServerConfig.safeParse(await readJson(file))
  return config.success ? [config.data.port] : []
}

/** A file in the user's folder names another one (lms, `findLMStudioHome`). */
async function lmStudioHome(env: NodeJS.ProcessEnv): Promise<string> {
  const home = env['HOME'] || env['USERPROFILE'] || homedir()
  const pointer = await readFile(join(home, '.lmstudio-home-pointer'), 'utf8').catch(() => '')
  return pointer.trim() || join(home, '.lmstudio')
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined // it never ran, or an older one
  }
}
