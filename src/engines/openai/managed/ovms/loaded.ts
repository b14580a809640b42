import type { Loaded, LoadSpec } from '../../../contract.ts'
import { ServerClient } from '../../client.ts'
import { ovms } from '../../servers/ovms.ts'
import type { ServerSettings } from '../../settings.ts'
import { type OnGone, owned, watchOwned } from '../owned.ts'
import { startOvms } from './load.ts'

/**
 * Starts an ovms for a placement and opens its model there.
 * @param onGone called once when it has ended by itself
 * @throws TandemError as of `startOvms`
 */
export async function loadOvms(
  spec: LoadSpec,
  given: ServerSettings,
  open: (settings: ServerSettings, client: ServerClient) => Promise<Loaded>,
  onGone: OnGone,
): Promise<Loaded> {
  const { running, settings, key } = await startOvms(spec, given)
  try {
    const loaded = owned(await open(settings, new ServerClient(settings, key)), running, 'ovms')
    watchOwned(running, settings.server.url, ovms.health, onGone)
    return loaded
  } catch (thrown) {
    await running.stop()
    throw thrown
  }
}
