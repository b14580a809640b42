import { pullModel, WEIGHT_FORMATS, type WeightFormat } from '../../models/index.ts'
import { defineCommand } from '../command.ts'
import { UsageError } from '../failure.ts'
import { flag, jsonOption, type OptionSpec, setting, text } from '../options.ts'
import { ProgressLine } from '../progress.ts'
import { PullProgress } from '../pull/progress.ts'
import { reportPull, showKnown } from '../pull/report.ts'
import { tellServer } from '../pull/tell-server.ts'

const formatOption: OptionSpec<WeightFormat | undefined> = {
  arg: '<format>',
  help: `which form of the model: ${WEIGHT_FORMATS.join(', ')}; without it the first that the repository has`,
  default: undefined,
  parse: (given) => {
    const format = WEIGHT_FORMATS.find((each) => each === given)
    if (!format) throw new UsageError(`"${given}" is no format; allowed: ${WEIGHT_FORMATS.join(', ')}`)
    return format
  },
}

export const pull = defineCommand({
  name: 'pull',
  summary: 'fetch a model from a model hub',
  description:
    'NAME is a known model (--list) or any OWNER/NAME, with @REVISION where it is not the main one. Files are verified by hash and kept in TANDEM_HOME/models; a server that runs in this home serves the model from then on to requests that name it. Ctrl-C keeps what was fetched: the same command goes on from there. A token for gated models comes from hub.token or the variable HF_TOKEN.',
  args: [{ name: 'name', help: 'known model, or OWNER/NAME[@REVISION]' }],
  options: {
    format: formatOption,
    file: text(
      '<pattern>',
      'which weights: a quantization (q5_k_m), a part of a file name, or a pattern with *',
    ),
    list: flag('show the known models and end'),
    dryRun: flag('show what would be fetched, and fetch nothing'),
    hub: setting('hub.url', '<url>'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem pull --list', does: 'the known models' },
    { line: 'tandem pull bge-small', does: 'one of them' },
    { line: 'tandem pull qwen2.5-coder-7b --file q5_k_m', does: 'another quantization' },
    { line: 'tandem pull intfloat/e5-base-v2 --dry-run', does: 'what any other repository would bring' },
  ],
  run: async (context, [name], { format, file, list, dryRun, json }) => {
    if (list) return showKnown(context, json)
    if (name === undefined) throw new UsageError('name a model', '`tandem pull --list` shows the known ones')
    const { config } = context.settings()
    const line = new ProgressLine(context.io.stderr)
    const progress = new PullProgress(name)
    const say = (message: string): void => {
      line.clear()
      context.say(message)
    }
    try {
      const outcome = await pullModel({
        name,
        ...(format ? { format } : {}),
        ...(file === undefined ? {} : { file }),
        dryRun,
        home: context.home,
        hub: config.hub,
        env: context.io.env,
        signal: context.signal,
        say,
        onProgress: (state) => line.show((width) => progress.textOf(state, performance.now() / 1000, width)),
      })
      line.clear()
      const code = reportPull(context, outcome, json)
      await tellServer(context, outcome)
      return code
    } catch (thrown) {
      if (context.signal.aborted)
        say('stopped; what was fetched is kept, the same command goes on from there')
      throw thrown
    } finally {
      line.clear()
    }
  },
})
