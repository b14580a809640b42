import type { Task } from '../domain/index.ts'
import type { TandemClient } from './client/client.ts'
import { CommandError } from './failure.ts'

/**
 * The model that the running plan serves a task with first.
 * @throws CommandError when nothing serves it
 */
export async function plannedModel(client: TandemClient, task: Task): Promise<string> {
  const { tasks } = await client.plan()
  const [first] = tasks[task] ?? []
  if (!first)
    throw new CommandError(
      `nothing in the plan serves ${task}`,
      `\`tandem plan\` shows what was rejected, and why; models.${task} in tandem.yaml names a model for it`,
    )
  return first.model
}
