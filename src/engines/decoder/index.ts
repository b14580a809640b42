export { knownTokens } from './known-tokens.ts'
export { namedTool } from './named-tool.ts'
export { commonBeginning, SlotPool } from './slots.ts'
export { CharacterJoiner, StopScanner } from './text-stream.ts'
