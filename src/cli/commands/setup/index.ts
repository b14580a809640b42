import type { CommandGroup } from '../../command.ts'
import { llamaCpp } from './llama-cpp.ts'
import { openvino } from './openvino.ts'

export const setup: CommandGroup = {
  name: 'setup',
  summary: 'find or install what an engine needs',
  commands: [openvino, llamaCpp],
}
