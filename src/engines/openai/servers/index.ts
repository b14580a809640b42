import type { ServerKind } from '../../../domain/index.ts'
import type { ServerSoftware } from './contract.ts'
import { koboldcpp } from './koboldcpp.ts'
import { llamaServer } from './llama-server.ts'
import { lmStudio } from './lmstudio.ts'
import { ollama } from './ollama.ts'
import { openaiServer } from './openai.ts'
import { ovms } from './ovms.ts'
import { tandem } from './tandem.ts'
import { textGenerationWebui } from './text-generation-webui.ts'
import { vllm } from './vllm.ts'

export type { Get, Order, PassingRefusal, Query, ServerSoftware } from './contract.ts'

export { lmStudioPorts } from './lmstudio-ports.ts'

/** In the order in which a server is asked whether it is one of them; what any may be comes last. */
export const SOFTWARE: readonly ServerSoftware[] = [
  tandem,
  llamaServer,
  ollama,
  lmStudio,
  vllm,
  ovms,
  koboldcpp,
  textGenerationWebui,
  openaiServer,
]

export function softwareOf(kind: ServerKind): ServerSoftware {
  return SOFTWARE.find((each) => each.kind === kind)!
}
