import type { ResponseOf, UnixSeconds } from '@vicinity/protocol'
import { failingConditions } from '../conditions.ts'
import { type Deps, Unavailable } from '../deps.ts'

export async function live(): Promise<ResponseOf<'live'>> {
  return { live: 1 }
}

/** Ready when every condition holds; otherwise the names of those that do not. */
export async function ready(deps: Deps, _input: unknown, at: UnixSeconds): Promise<ResponseOf<'ready'>> {
  const failing = await failingConditions(deps, at)
  if (failing.length > 0) throw new Unavailable(`not ready: ${failing.join(', ')}`)
  return { ready: 1 }
}
