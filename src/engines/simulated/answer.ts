/** What the simulator says instead of a model: always labelled, always the same for the same request. */
import type { ChatMessage, ChatRequest, ToolSpec } from '../../domain/index.ts'
import { namedTool } from '../decoder/index.ts'
import { schemaGrammar } from '../llama.cpp/schema-grammar.ts'
import { hashOf } from './features.ts'
import { leastInstance } from './instance.ts'

const QUOTED_QUESTION = 160
const QUOTED_PASSAGE = 240

export interface Answer {
  readonly text: string
  /** The text is the arguments of a call of this tool. */
  readonly tool?: string
}

/**
 * @param who stands in for the model, for the label
 * @throws TandemError INVALID_REQUEST for a schema that no answer can keep, or a tool that is not there
 */
export function answerTo(request: ChatRequest, who: string): Answer {
  const { toolChoice, tools, responseFormat } = request
  if (typeof toolChoice === 'object') return call(namedTool(tools, toolChoice.name))
  if (toolChoice === 'required' && tools[0]) return call(tools[0])
  if (responseFormat.type === 'json_object') return { text: '{"simulated":true}' }
  if (responseFormat.type === 'json_schema')
    return { text: instance(responseFormat.schema, 'response_format.json_schema.schema') }
  return { text: prose(request, who) }
}

/** A text that goes on from a prompt. */
export function continuationOf(prompt: string, who: string): string {
  return `[simulated] ${who} would continue ${quoted(prompt.trim().slice(-QUOTED_QUESTION), QUOTED_QUESTION)} here.`
}

function prose({ messages, sampling }: ChatRequest, who: string): string {
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const { temperature = 0, seed } = sampling
  const variant = temperature > 0 && seed !== undefined ? `, variant ${hashOf(`${seed}`) % 1000}` : ''
  return [
    `[simulated${variant}] You asked: ${quoted(question, QUOTED_QUESTION)}.`,
    ...firstPassage(messages),
    `No model has read this: ${who} only takes the time that it would take.`,
  ].join(' ')
}

function firstPassage(messages: readonly ChatMessage[]): string[] {
  const system = messages.find(({ role }) => role === 'system')?.content ?? ''
  const [, where, fence, body] = /^\[1\] (\S.*)\n(`{3,})[^\n]*\n([\s\S]*?)\n\2/m.exec(system) ?? []
  if (!where || !fence || body === undefined) return []
  return [`The first passage is ${where} [1]: ${quoted(body, QUOTED_PASSAGE)}.`]
}

function quoted(text: string, most: number): string {
  const line = [...text.replace(/\s+/g, ' ').trim()]
  return `"${line.length > most ? `${line.slice(0, most).join('')} ...` : line.join('')}"`
}

function call({ name, parameters }: ToolSpec): Answer {
  if (!parameters) return { tool: name, text: '{}' }
  return { tool: name, text: instance({ type: 'object', ...parameters }, `tools.${name}.parameters`) }
}

function instance(schema: Readonly<Record<string, unknown>>, param: string): string {
  schemaGrammar(schema, param) // refuses what a real engine refuses
  return JSON.stringify(leastInstance(schema))
}
