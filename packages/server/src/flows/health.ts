import { dayOf, type ResponseOf, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { type Deps, Unavailable } from '../deps.ts'

export async function live(): Promise<ResponseOf<'live'>> {
  return { live: 1 }
}

/** Ready when the store answers and the server keys of today and of the bundle exist. */
export async function ready(deps: Deps, _input: unknown, at: UnixSeconds): Promise<ResponseOf<'ready'>> {
  await deps.store.transaction((tx) => tx.queuedWindows())
  for (const day of [dayOf(at), dayOf(at) + deps.robert.parameters.bundleDays]) {
    if (deps.keys.serverKeyOf(day as UtcDay) === undefined) throw new Unavailable('server keys are missing')
  }
  return { ready: 1 }
}
