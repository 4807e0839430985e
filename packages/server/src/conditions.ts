// What has to hold for a back-end to be ready. Whoever asks learns the names of what does not, and nothing else.
import { dayOf, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import type { Deps } from './deps.ts'

/** Each with what it says when it holds. */
export const CONDITIONS = {
  clock: 'the wall clock agrees with the monotonic one',
  store: 'the store answers',
  generation: 'the database is of the generation of the keys',
  serverKeys: 'the server keys of today and of every day of the bundle exist',
  intakeKeys: 'every window that has items has its intake key',
  vault: 'the vault is open',
  queue: 'the queue of items takes more',
  standby: 'a synchronous standby has what is committed (durability strict)',
  jobs: 'every job succeeded not long ago',
} as const
export type Condition = keyof typeof CONDITIONS

/** A job may fail for three of its turns, and for a quarter of an hour. */
const MOST_TURNS = 3
const LEAST_PATIENCE = 900

/** The conditions that do not hold at a time. */
export async function failingConditions(deps: Deps, at: UnixSeconds): Promise<readonly Condition[]> {
  // With a clock that cannot be trusted nobody knows which keys there should be and which jobs are late.
  if (!deps.clockIsSteady()) return ['clock']
  const failing = new Set<Condition>()
  if (missingServerKeys(deps, at) > 0) failing.add('serverKeys')
  if (lateJobs(deps, at).length > 0) failing.add('jobs')
  for (const [name, holds] of deps.conditions) if (!holds()) failing.add(name)
  const stored = await fromStore(deps)
  if (stored === undefined) failing.add('store')
  else {
    // Restored under a process that still runs: it would take tokens of before.
    if (stored.generation !== deps.keys.generation) failing.add('generation')
    if (!stored.windows.every((window) => deps.keys.hasIntakeKey(window))) failing.add('intakeKeys')
  }
  return (Object.keys(CONDITIONS) as Condition[]).filter((name) => failing.has(name))
}

/** How many of the server keys of today and of the bundle there are not. */
export function missingServerKeys({ keys, robert }: Deps, at: UnixSeconds): number {
  const days = Array.from({ length: robert.parameters.bundleDays + 1 }, (_, k) => dayOf(at) + k)
  return days.filter((day) => keys.serverKeyOf(day as UtcDay) === undefined).length
}

/** Names of the jobs that have not succeeded for too long. */
export const lateJobs = ({ meter }: Deps, at: UnixSeconds): readonly string[] =>
  [...meter.jobs]
    .filter(([, { lastSuccess, every }]) => at - lastSuccess > Math.max(MOST_TURNS * every, LEAST_PATIENCE))
    .map(([name]) => name)

const fromStore = ({ store }: Deps) =>
  store
    .transaction(async (tx) => ({ windows: await tx.queuedWindows(), generation: await tx.generation() }))
    .catch(() => undefined)
