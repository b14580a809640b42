import type { CommandGroup } from '../../command.ts'
import { benchDevices } from './devices.ts'

export const bench: CommandGroup = {
  name: 'bench',
  summary: 'measure what runs how fast here',
  commands: [benchDevices],
}
