import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'
import { keepDepartures } from './flows/keep-departures.ts'
import { exportKeys } from './flows/key-server/export.ts'
import { importKeys } from './flows/key-server/import.ts'
import { processContacts } from './flows/process-contacts.ts'
import { purge } from './flows/purge.ts'
import { lookAtQueue } from './flows/queue-room.ts'
import { resealKeys } from './flows/reseal-keys.ts'
import { keepServerKeys } from './flows/server-keys.ts'
import { keepVerification } from './flows/verification/keep-verification.ts'

/** What a back-end does by the clock. Runs at the start of the service plus multiples of `every`. */
export interface Job {
  readonly name: string
  /** Seconds. */
  readonly every: number
  readonly run: (deps: Deps, at: UnixSeconds) => Promise<void>
}

export const jobsOf = (deps: Deps): readonly Job[] => [
  { name: 'server keys', every: 3600, run: keepServerKeys },
  { name: 'purge', every: deps.calendar.epochDuration, run: purge },
  { name: 'process contacts', every: 300, run: processContacts },
  { name: 'verification', every: 3600, run: keepVerification },
  { name: 'imports', every: 900, run: importKeys },
  { name: 'exports', every: 600, run: exportKeys },
  { name: 'departures', every: 3600, run: keepDepartures },
  { name: 'reseal keys', every: 3600, run: resealKeys },
  { name: 'audit', every: 300, run: async ({ audit }) => audit.keep() },
]

/** What a process does: everything; only answer callers; or only what happens by the clock, and say how it is. */
export const ROLES = ['all', 'front', 'worker'] as const
export type Role = (typeof ROLES)[number]

/** The keys of a day and of a window may be made, and destroyed, by another process of the same back-end. */
const LEARN_KEYS: Job = {
  name: 'learn keys',
  every: 60,
  run: async ({ keys, rotatingKeys }) => {
    keys.learn()
    rotatingKeys.learn()
  },
}

/** Each process goes by its own look. */
const LOOK_AT_QUEUE: Job = { name: 'queue', every: 10, run: lookAtQueue }

/** Each process has files of its own for both. */
const OF_A_FRONT: readonly string[] = ['departures', 'audit']

/** The jobs of a process that may be one of several. */
export function jobsOfRole(deps: Deps, role: Role): readonly Job[] {
  const jobs = jobsOf(deps)
  return [
    LEARN_KEYS,
    LOOK_AT_QUEUE,
    ...(role === 'front' ? jobs.filter(({ name }) => OF_A_FRONT.includes(name)) : jobs),
  ]
}
