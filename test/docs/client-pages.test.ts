/** The examples of docs/clients that are files: fields as the clients' documentation names them, names and addresses as they are here. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'

const folder = new URL('../../docs/clients/', import.meta.url)
const BASE = z.literal('http://127.0.0.1:8420/v1')
const CHAT = z.literal('tandem-tiny-chat')
const WINDOW = z.literal(windowOf('tandem-tiny-chat'))

function windowOf(model: string): number {
  const manifest = readFileSync(new URL(`../../models/${model}/tandem.model.json`, import.meta.url), 'utf8')
  return JSON.parse(manifest).contextTokens
}

/** The fenced blocks of a page in one language, parsed. */
function examples(page: string, language: 'yaml' | 'json'): unknown[] {
  const text = readFileSync(new URL(page, folder), 'utf8')
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, body]) =>
    language === 'yaml' ? parseYaml(body as string) : JSON.parse(body as string),
  )
}

// https://docs.continue.dev/reference: `models`
const ContinueConfig = z.strictObject({
  name: z.string(),
  version: z.string(),
  schema: z.literal('v1'),
  models: z.array(
    z.strictObject({
      name: z.string(),
      provider: z.literal('openai'),
      model: z.enum(['tandem-tiny-chat', 'tandem-embed-small']),
      apiBase: BASE,
      apiKey: z.string().min(1),
      roles: z
        .array(z.enum(['chat', 'autocomplete', 'embed', 'rerank', 'edit', 'apply', 'summarize']))
        .min(1),
    }),
  ),
})

// https://zed.dev/docs/ai/llm-providers: OpenAI API compatible
const ZedSettings = z.strictObject({
  language_models: z.strictObject({
    openai_compatible: z.record(
      z.string(),
      z.strictObject({
        api_url: BASE,
        available_models: z.array(
          z.strictObject({
            name: CHAT,
            display_name: z.string(),
            max_tokens: WINDOW,
            capabilities: z.strictObject({
              tools: z.boolean(),
              images: z.literal(false),
              parallel_tool_calls: z.boolean(),
              prompt_cache_key: z.boolean(),
            }),
          }),
        ),
      }),
    ),
  }),
})

// https://aider.chat/docs/config/aider_conf.html and https://aider.chat/docs/config/adv-model-settings.html
const AiderConfig = z.strictObject({
  'openai-api-base': BASE,
  'openai-api-key': z.string().min(1),
  model: z.literal('openai/tandem-tiny-chat'),
})
const AiderModels = z.record(
  z.literal('openai/tandem-tiny-chat'),
  z.strictObject({
    max_input_tokens: WINDOW,
    max_output_tokens: z.int().positive(),
    input_cost_per_token: z.literal(0),
    output_cost_per_token: z.literal(0),
    litellm_provider: z.literal('openai'),
    mode: z.literal('chat'),
  }),
)

test.each([
  ['continue.md', 'yaml', ContinueConfig],
  ['zed.md', 'json', ZedSettings],
  ['aider.md', 'yaml', AiderConfig],
  ['aider.md', 'json', AiderModels],
] as const)('%s: its %s is what the client reads', (page, language, schema) => {
  const found = examples(page, language)
  expect(found).toHaveLength(1)
  schema.parse(found[0])
})

test('the overview names every page, and every page says whether its program was run', () => {
  const overview = readFileSync(new URL('README.md', folder), 'utf8')
  for (const page of readdirSync(folder)) {
    if (page === 'README.md') continue
    expect(overview, page).toContain(`(${page})`)
    const text = readFileSync(new URL(page, folder), 'utf8').replace(/\s+/g, ' ')
    expect(text, page).toMatch(/[Nn]ot tested here|[Tt]ested here/)
  }
})
