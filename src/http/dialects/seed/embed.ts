/** `POST /embed`, as small embedding services of one's own answer it: texts in, plain arrays out. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { rows } from '../../answers/vectors.ts'
import type { HttpDeps } from '../../deps.ts'
import { modelForTask } from '../../model-names.ts'
import { contextOf, setServed } from '../../served-by.ts'
import { plainText, textInputs } from '../../text-inputs.ts'
import { parse } from '../../validate.ts'

const Body = z.object({
  /** Checked by hand in `textInputs`: how many there may be is a setting. */
  text: z.unknown().optional(),
})

export function seedRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/embed', async (request, reply) => {
    const { text } = parse(Body, request.body)
    const { maxInputs } = deps.config.server
    const inputs = textInputs(
      typeof text === 'string' ? [text] : text,
      'text',
      maxInputs,
      plainText,
      'a string',
    )
    const model = modelForTask(deps, 'embed')
    // what it returns is sent back as the `context` of a question
    const { result, servedBy } = await deps.serving.embed(
      { model: model.id, inputs, purpose: 'query' },
      contextOf(request, inputs.length),
    )
    setServed(reply, servedBy)
    return rows(result, result.dimensions).map((vector) => [...vector])
  })
}
