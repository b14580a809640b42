/** What coding agents send, written anew from the documentation of their interfaces. */

const text = (words: string, more: object = {}) => ({ type: 'text', text: words, ...more })
const cached = { cache_control: { type: 'ephemeral' } }

const parameters = (...names: string[]) => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string', description: `the ${name}` }])),
  required: names,
  additionalProperties: false,
})

const AGENT_TOOLS: readonly (readonly [string, ...string[]])[] = [
  ['Bash', 'command', 'description'],
  ['Read', 'file_path'],
  ['Write', 'file_path', 'content'],
  ['Edit', 'file_path', 'old_string', 'new_string'],
  ['Glob', 'pattern'],
  ['Grep', 'pattern', 'path'],
  ['WebFetch', 'url', 'prompt'],
  ['TodoWrite', 'todos'],
  ['Task', 'description', 'prompt'],
  ['mcp__files__list', 'folder'],
]

/** Claude Code's, sent to `/v1/messages?beta=true`. */
export function claudeCodeRequest(model: string, stream: boolean) {
  return {
    model,
    max_tokens: 32_000,
    stream,
    system: [
      text('x-anthropic-billing-header: cc_version=2.1.0.abc; cc_entrypoint=cli; cch=1a2b3;'),
      text('You help with the code in this folder.', cached),
      text('Answer in one sentence.', cached),
    ],
    messages: [
      {
        role: 'user',
        content: [
          text('<system-reminder>\nThe folder is a git repository.\n</system-reminder>'),
          text('What is in a.ts?'),
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'I read it.', signature: 'c2ln' },
          text('I read the file.'),
          { type: 'tool_use', id: 'toolu_01', name: 'Read', input: { file_path: 'a.ts' } },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_01',
            content: [text('1\texport const a = 1')],
            is_error: false,
          },
          text('Now say hello.', cached),
        ],
      },
    ],
    tools: AGENT_TOOLS.map(([name, ...names]) => ({
      name,
      description: `Does ${name}.`,
      input_schema: parameters(...names),
    })),
    thinking: { type: 'enabled', budget_tokens: 31_999 },
    metadata: { user_id: 'user_1_account__session_2' },
    temperature: 1,
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    output_config: { effort: 'medium' },
  }
}

/** Codex's, sent to `/v1/responses`. */
export function codexRequest(model: string) {
  const message = (role: string, type: string, words: string) => ({
    type: 'message',
    role,
    content: [{ type, text: words }],
  })
  return {
    model,
    instructions: 'You help with the code in this folder.',
    input: [
      message('developer', 'input_text', '<permissions>The sandbox is read-only.</permissions>'),
      message(
        'user',
        'input_text',
        '<environment_context>\n<cwd>/home/me/project</cwd>\n</environment_context>',
      ),
      message('user', 'input_text', 'What is in a.ts?'),
      { type: 'reasoning', summary: [], content: null, encrypted_content: 'Zm9v' },
      message('assistant', 'output_text', 'I read the file.'),
      {
        type: 'function_call',
        name: 'exec_command',
        arguments: '{"cmd":"cat a.ts"}',
        call_id: 'call_1',
      },
      { type: 'function_call_output', call_id: 'call_1', output: 'export const a = 1' },
      message('user', 'input_text', 'Now say hello.'),
    ],
    tools: [
      {
        type: 'function',
        name: 'exec_command',
        description: 'Runs a command.',
        strict: false,
        parameters: parameters('cmd'),
      },
      {
        type: 'custom',
        name: 'apply_patch',
        description: 'Edits files.',
        format: { type: 'grammar', syntax: 'lark', definition: 'start: /[\\s\\S]*/' },
      },
      { type: 'web_search', external_web_access: false },
      { type: 'local_shell' },
      {
        type: 'namespace',
        name: 'mcp__files__',
        description: 'Files.',
        tools: [{ type: 'function', name: 'list', strict: false, parameters: parameters('folder') }],
      },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: false,
    reasoning: { effort: 'medium', summary: 'auto' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: '0197-session',
    text: { verbosity: 'low' },
  }
}
