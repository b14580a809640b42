import { z } from 'zod'
import { LoadStages, shareOf } from '../load-stages.ts'

/**
 * Set for a llama-server, it tells on its stdout how far it has loaded, as a router's child does, and ends when its stdin closes
 * (llama.cpp pull requests 24821, 24828, 24870; llama-cli starts it so too). The value is the router's port, which no build asks.
 */
export const TELL_STATE: Readonly<Record<string, string>> = { LLAMA_SERVER_ROUTER_PORT: '0' }

/** Earlier builds tell nothing, and some of December 2025 end where no router listens at that port. */
const FIRST_BUILD = 10_000

/** @param version as `readVersion` tells it; of a fork that counts otherwise nothing is asked */
export function tellsState(version: string): boolean {
  const [, build] = /^b(\d+) /.exec(version) ?? []
  return Number(build) >= FIRST_BUILD
}

const PREFIX = 'cmd_child_to_router:state:'
/** A line that is longer is none of these. */
const MAX_LINE = 64 * 1024

const Loading = z.object({ state: z.literal('loading'), payload: LoadStages })

/** Takes the lines about its state out of what a server prints. */
export class StateLines {
  readonly #onProgress: (share: number) => void
  #held = ''

  /** @param onProgress hears the share that is loaded, 0..1 */
  constructor(onProgress: (share: number) => void) {
    this.#onProgress = onProgress
  }

  /** @returns what is no such line, as soon as that is known */
  push(text: string): string {
    const lines = (this.#held + text).split('\n')
    this.#held = lines.pop() ?? ''
    const others = lines.filter((line) => !this.#isState(line)).map((line) => `${line}\n`)
    return others.join('') + this.#release()
  }

  #isState(line: string): boolean {
    if (!line.startsWith(PREFIX)) return false
    const share = shareIn(line.slice(PREFIX.length))
    if (share !== undefined) this.#onProgress(share)
    return true
  }

  /** A line that has begun and cannot become one of these, or is too long to. */
  #release(): string {
    const held = this.#held
    const may = PREFIX.startsWith(held.slice(0, PREFIX.length)) && held.length <= MAX_LINE
    if (may) return ''
    this.#held = ''
    return held
  }
}

function shareIn(json: string): number | undefined {
  try {
    const { data } = Loading.safeParse(JSON.parse(json))
    return data && shareOf(data.payload)
  } catch {
    return undefined // cut or of another form: the next one tells as much
  }
}
