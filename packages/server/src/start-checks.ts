// What has to be right before a back-end starts: a mistake here would destroy data or shut phones out.
import { DAY_SECONDS, dayStart, epochAt, epochsIn, toHex, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { LAST_SERVICE_EPOCH, REPLY_PAIRS } from '@vicinity/protocol/robert'
import type { Deps } from './deps.ts'

/** A back-end that stood still for longer is not started without a word: a clock that ran ahead would purge everything. */
const LONGEST_REST = 30 * DAY_SECONDS
const CLOCK_TOLERANCE = 60

export function checkCalendar(deps: Deps, at: UnixSeconds): void {
  const epoch = epochAt(deps.calendar, at)
  if (epoch < 0) throw new Error('the service starts in the future: give another --service-start')
  if (epoch > LAST_SERVICE_EPOCH) throw new Error('the 24-bit epoch counter nears its end: set up a new service')
}

/** Three quarters of what a reply carries: renewals take turns with status requests. */
const MOST_EPOCHS_A_POLL = 0.75 * REPLY_PAIRS

/** Where a day has more epochs than a reply carries, phones that ask too seldom run out of identifiers after some days. */
export function checkSupply({ robert: { calendar, parameters } }: Deps): void {
  const longest = MOST_EPOCHS_A_POLL * calendar.epochDuration
  if (epochsIn(calendar, 1) <= REPLY_PAIRS || parameters.pollInterval <= longest) return
  throw new Error(
    `pollInterval: at most ${longest} s with epochs of ${calendar.epochDuration} s, or identifiers run out`,
  )
}

/** Compares the clock with the last time that this back-end noted: behind it nothing may run, far beyond it only if told so. */
export async function checkClock(deps: Deps, at: UnixSeconds, accepted: boolean): Promise<void> {
  const last = await deps.store.transaction((tx) => tx.lastTime())
  const passed = at - (last ?? at)
  const since = `${new Date((last ?? at) * 1000).toISOString()}, when this back-end last ran`
  if (passed < -CLOCK_TOLERANCE) throw new Error(`the clock is behind ${since}: set it right`)
  if (passed > LONGEST_REST && !accepted) {
    throw new Error(`the clock is more than 30 days after ${since}: if it is right, start once with --accept-clock`)
  }
  if (passed > LONGEST_REST) deps.audit.append('clock.accepted', { restedDays: Math.floor(passed / DAY_SECONDS) })
  await deps.store.transaction((tx) => tx.noteTime(at))
}

/** An old copy of a database has forgotten which tokens were spent, who was told, and who left. */
export async function checkGeneration({ store, keys, tombstones }: Deps): Promise<void> {
  const generation = await store.transaction((tx) => tx.generation())
  const last = (await store.transaction((tx) => tx.lastTime())) ?? 0
  const newest = dayStart((tombstones.newestDay() ?? 0) as UtcDay)
  const faults = [
    ...(generation === keys.generation
      ? []
      : [`the database is of generation ${generation}, the key directory of generation ${keys.generation}`]),
    // Of several servers one clock may be a little behind.
    ...(newest - last > CLOCK_TOLERANCE ? ['the database is older than the newest marks of who left'] : []),
  ]
  if (faults.length === 0) return
  throw new Error(
    `${faults.join('; ')}: this is not the ` +
      'database that was served last. Restore a backup with vicinity store restore; if this one is all there is, take ' +
      'it as it is with vicinity store adopt',
  )
}

/** A database belongs to one calendar, country, profile and set of keys: with others its rows would say something else. */
export async function checkSetUp(deps: Deps): Promise<string> {
  const { calendar, settings, keys } = deps
  // Of the key that is followed by no other.
  const keyCheck = toHex(sha256(keys.drawKey).subarray(0, 4))
  const description = JSON.stringify({
    ...calendar,
    countryCode: settings.countryCode,
    profile: settings.profile.name,
    keyCheck,
  })
  const remembered = await deps.store.transaction((tx) => tx.setUp(description))
  if (remembered !== description) {
    throw new Error(
      `this database was set up as ${remembered}, not as ${description}: start it with its own set-up and keys`,
    )
  }
  return description
}
