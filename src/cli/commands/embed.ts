import { defineCommand } from '../command.ts'
import { type Connection, withServer } from '../connect.ts'
import { jsonOption, text } from '../options.ts'
import { asPlaced, placedBy, placementOptions } from '../placed.ts'
import { plannedModel } from '../planned-model.ts'
import { textsOf } from '../texts.ts'

/** Values of a vector that are shown. */
const SHOWN_VALUES = 6

export const embed = defineCommand({
  name: 'embed',
  summary: 'turn texts into vectors',
  args: [
    { name: 'text', help: 'a text each; `-` reads one from standard input', required: true, variadic: true },
  ],
  options: {
    model: text('<id>', 'the embedding model; without it the one of the plan'),
    ...placementOptions,
    json: jsonOption,
  },
  examples: [
    { line: 'tandem embed "parse a config file" "read settings"', does: 'two texts, two vectors' },
    { line: 'tandem embed - --json < src/queue.ts', does: 'one file as JSON' },
    {
      line: 'tandem embed --engine openvino --device HETERO:CPU "hello" --json',
      does: 'on the engine and device that you name',
    },
  ],
  run: async (context, words, { model, json, ...where }) => {
    const texts = await textsOf(words, context.io)
    const placed = placedBy('embed', where)
    const work = async ({ client }: Connection): Promise<number> => {
      const wanted = model ?? (await plannedModel(client, 'embed'))
      const { fallback, ...document } = asPlaced(await client.embed(wanted, texts), placed)
      if (fallback) context.say(`fell back: ${fallback}`)
      for (const at of document.truncated)
        context.say(`text ${at + 1} is longer than the model reads and was cut; embed it in parts`)
      if (json) {
        context.json(document)
        return 0
      }
      context.say(
        `${document.model} on ${document.device} (${document.engine}), fingerprint ${document.fingerprint}`,
      )
      for (const vector of document.embeddings) {
        const values = vector.slice(0, SHOWN_VALUES).map((value) => value.toFixed(4))
        context.print(`${vector.length} dimensions: ${values.join(' ')} ...\n`)
      }
      return 0
    }
    return withServer(context, ['embed'], work, placed && { placed })
  },
})
