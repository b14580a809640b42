import type { CommandGroup, CommandSpec } from '../command.ts'
import { ask } from './ask.ts'
import { bench } from './bench/index.ts'
import { classify } from './classify.ts'
import { config } from './config.ts'
import { devices } from './devices.ts'
import { doctor } from './doctor.ts'
import { embed } from './embed.ts'
import { index } from './index-project.ts'
import { models } from './models.ts'
import { plan } from './plan.ts'
import { profile } from './profile.ts'
import { pull } from './pull.ts'
import { rerank } from './rerank.ts'
import { search } from './search.ts'
import { serve } from './serve.ts'
import { setup } from './setup/index.ts'
import { status } from './status.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly (CommandSpec | CommandGroup)[] = [
  serve,
  index,
  search,
  ask,
  embed,
  rerank,
  classify,
  models,
  pull,
  status,
  devices,
  plan,
  bench,
  profile,
  doctor,
  setup,
  config,
]
