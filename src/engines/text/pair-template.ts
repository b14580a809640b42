import { z } from 'zod'
import type { TokenizerFile } from './tokenizer-file.ts'

/** One part of a pair: ids that always stand there, or one of the two texts. */
export type PairPart = { readonly type: number } & (
  | { readonly ids: readonly number[] }
  | { readonly text: 'A' | 'B' }
)

const special = z.tuple([z.string(), z.int().min(0)])
const specials = z.looseObject({ sep: special, cls: special })
const piece = z.union([
  z.looseObject({ SpecialToken: z.looseObject({ id: z.string(), type_id: z.int().min(0) }) }),
  z.looseObject({ Sequence: z.looseObject({ id: z.enum(['A', 'B']), type_id: z.int().min(0) }) }),
])
const template = z.looseObject({
  pair: z.array(piece),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int().min(0)) })),
})
const sequence = z.looseObject({ processors: z.array(z.looseObject({ type: z.string() })) })

/** Without special tokens the second text is told apart by its type alone, as Hugging Face's library has it. */
const PLAIN: readonly PairPart[] = [
  { text: 'A', type: 0 },
  { text: 'B', type: 1 },
]

/**
 * How two texts become one input, and which token type (segment) each part has, as the file's post-processor says.
 * @throws Error when the post-processor is of a kind that is not known
 */
export function pairTemplate({ post_processor: processor }: TokenizerFile): readonly PairPart[] {
  if (!processor) return PLAIN
  const found = processor.type === 'Sequence' ? sequence.parse(processor).processors : [processor]
  const [first, ...more] = found.filter(({ type }) => type !== 'ByteLevel') // that one only moves offsets
  if (!first) return PLAIN
  if (more.length > 0) throw new Error('its post_processor has several templates')
  switch (first.type) {
    case 'TemplateProcessing':
      return fromTemplate(template.parse(first))
    case 'BertProcessing': {
      const { cls, sep } = specials.parse(first)
      const end = (type: number): PairPart => ({ ids: [sep[1]], type })
      return [{ ids: [cls[1]], type: 0 }, { text: 'A', type: 0 }, end(0), { text: 'B', type: 1 }, end(1)]
    }
    case 'RobertaProcessing': {
      const { cls, sep } = specials.parse(first)
      const fixed = (...ids: number[]): PairPart => ({ ids, type: 0 })
      const [a, b] = [{ text: 'A', type: 0 } as const, { text: 'B', type: 0 } as const]
      return [fixed(cls[1]), a, fixed(sep[1], sep[1]), b, fixed(sep[1])]
    }
    default:
      throw new Error(`its post_processor "${first.type}" is not known`)
  }
}

function fromTemplate({ pair, special_tokens: tokens }: z.infer<typeof template>): PairPart[] {
  return pair.map((part) => {
    if ('Sequence' in part) {
      const { id, type_id } = part.Sequence as { id: 'A' | 'B'; type_id: number }
      return { text: id, type: type_id }
    }
    const { id, type_id } = part.SpecialToken as { id: string; type_id: number }
    const ids = tokens[id]?.ids
    if (!ids) throw new Error(`its post_processor names "${id}", which is none of its special tokens`)
    return { ids, type: type_id }
  })
}
