// What a slice of a batch of items costs in cryptography (ROBERT §6.2), in two halves as the store lies between them. Functions of
// their jobs alone, and jobs are plain data: the same code runs in the thread that serves and in threads beside it.
import type { Calendar, UnixSeconds } from '@vicinity/protocol'
import {
  type ContactContext,
  type ContactVerdicts,
  decideContacts,
  eraseServerKey,
  federationCipher,
  idsOf,
  keyTable,
  type LocatedContacts,
  locateContacts,
  type Parameters,
  type PermanentId,
  type ServerKey,
  SIZE,
  SPEC,
  serverKeyOf,
} from '@vicinity/protocol/robert'
import { openSealed, openUserKey, SEALED_ITEM, SEALED_KEY } from '../keys/sealed.ts'

/** What both halves know besides keys. */
export interface WorkContext {
  readonly at: UnixSeconds
  readonly calendar: Calendar
  readonly countryCode: number
  readonly peers: ReadonlySet<number>
  readonly parameters: Parameters
  /** Of the profile the steps ask only how it compares. */
  readonly inclusiveTolerance: boolean
}

interface Job {
  /** Copies of keys, made for this job: they are overwritten when it is done, so no thread holds a key longer than its job. */
  readonly secrets: Uint8Array
  readonly context: WorkContext
}

/** Opens items and goes with them through steps 1 to 4. */
export interface LocateJob extends Job {
  /** The UTC days of the server keys. `secrets`: intake key 32 | K_G 32 | K_S 24 for each of them. */
  readonly days: readonly number[]
  /** What binds the items to their window. */
  readonly place: Uint8Array
  /** In rows of `SEALED_ITEM` bytes. */
  readonly sealed: Uint8Array
}

export interface LocatedSlice {
  readonly located: LocatedContacts
  /** Per item: 1 where it opened; else it is zeros. */
  readonly opened: Uint8Array
  /** Whose keys `decide` needs, each once. */
  readonly ids: readonly PermanentId[]
}

/** Opens the keys of users and decides: steps 5 to 9. */
export interface DecideJob extends Job {
  /** Versions of the data keys. `secrets`: the data key of each, 32. */
  readonly versions: readonly number[]
  readonly located: LocatedContacts
  readonly ids: readonly PermanentId[]
  /** The authentication keys of `ids`, in rows of `SEALED_KEY` bytes. */
  readonly sealed: Uint8Array
}

export interface DecidedSlice {
  readonly verdicts: ContactVerdicts
  /** Users whose keys do not open: they are nobody. */
  readonly altered: readonly PermanentId[]
}

/** Rows of one width in one array. What has another length than the store was given becomes zeros, which no key opens. */
export function rowsOf(width: number, values: readonly Uint8Array[]): Uint8Array {
  const rows = new Uint8Array(width * values.length)
  for (const [k, value] of values.entries()) if (value.length === width) rows.set(value, width * k)
  return rows
}

const row = (rows: Uint8Array, width: number, k: number) => rows.subarray(width * k, width * (k + 1))

function locate({ secrets, context, days, place, sealed }: LocateJob): LocatedSlice {
  const count = sealed.length / SEALED_ITEM
  const opened = new Uint8Array(count)
  const items = new Uint8Array(SIZE.item * count)
  const intakeKey = row(secrets, SIZE.key, 0)
  for (let k = 0; k < count; k++) {
    const item = openSealed(intakeKey, place, row(sealed, SEALED_ITEM, k))
    if (item === undefined) continue
    items.set(item, SIZE.item * k)
    opened[k] = 1
  }
  // A batch is of few days: only their keys are made ready.
  const made: ServerKey[] = []
  const ready = (day: number): ServerKey | undefined => {
    const at = days.indexOf(day)
    if (at < 0) return undefined
    const key = serverKeyOf(row(secrets.subarray(2 * SIZE.key), SIZE.serverKey, at))
    made.push(key)
    return key
  }
  try {
    const keys = { federation: federationCipher(row(secrets, SIZE.key, 1)), serverKeyOf: ready }
    const located = locateContacts(items, contextOf(context, keys), context.at)
    return { located, opened, ids: idsOf(located) }
  } finally {
    for (const key of made) eraseServerKey(key)
  }
}

function decide({ secrets, versions, context, located, ids, sealed }: DecideJob): DecidedSlice {
  const users = new Map<PermanentId, Uint8Array>()
  const altered: PermanentId[] = []
  const dataKeys = new Map(versions.map((version, at) => [version, row(secrets, SIZE.key, at)]))
  const keyOfVersion = (version: number) => dataKeys.get(version)
  for (const [k, id] of ids.entries()) {
    const key = openUserKey(keyOfVersion, 'authentication', id, row(sealed, SEALED_KEY, k))
    if (key === undefined) altered.push(id)
    else users.set(id, key)
  }
  const keys = keyTable(users)
  for (const key of users.values()) key.fill(0)
  try {
    return { verdicts: decideContacts(located, keys, contextOf(context, NO_KEYS), context.at), altered }
  } finally {
    keys.erase()
  }
}

type Keys = Pick<ContactContext, 'federation' | 'serverKeyOf'>

/** Steps 5 to 9 ask for none of the back-end's keys. */
const NO_KEYS: Keys = { federation: (ebids) => ebids, serverKeyOf: () => undefined }

const contextOf = ({ inclusiveTolerance, ...context }: WorkContext, keys: Keys): ContactContext => ({
  ...context,
  ...keys,
  profile: { ...SPEC, inclusiveTolerance },
})

/** The kinds of work: what goes in, and what comes out. */
export interface Work {
  readonly locate: { readonly job: LocateJob; readonly result: LocatedSlice }
  readonly decide: { readonly job: DecideJob; readonly result: DecidedSlice }
}

const WORK: { readonly [Name in keyof Work]: (job: Work[Name]['job']) => Work[Name]['result'] } = { locate, decide }

/** Does a job and erases its secrets, whatever comes of it. */
export function doWork<Name extends keyof Work>(name: Name, job: Work[Name]['job']): Work[Name]['result'] {
  try {
    return WORK[name](job)
  } finally {
    job.secrets.fill(0)
  }
}
