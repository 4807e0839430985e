// Authenticated requests of every outcome that matters to whoever heard an identifier in the street (T-16).
import { concat, dayOf, type Epoch, epochAt, later, ntpOf, type Random, type UnixSeconds } from '@vicinity/protocol'
import {
  buildRequest,
  CODE,
  makeEbids,
  NEW_STATUS,
  type PermanentId,
  packExposure,
  renewPayload,
  replyIdOf,
  SIZE,
  SPEC,
  type UserStatus,
} from '@vicinity/protocol/robert'
import { type AuditLog, DEFAULT_SETTINGS, type Deps, makeDeps, memoryKeys, openStore } from '@vicinity/server'
import { authenticatedRequests } from '../../packages/server/src/flows/authenticated-requests.ts'
import { keepServerKeys } from '../../packages/server/src/flows/server-keys.ts'
import type { Transaction } from '../../packages/server/src/store/store.ts'
import type { Part, TimedClass, World } from './sample.ts'

const SERVICE_START = (Date.UTC(2026, 2, 1) / 1000) as UnixSeconds
export const NOON = (Date.UTC(2026, 2, 20, 12) / 1000) as UnixSeconds
/** Users of each class. With few, where their rows happen to lie in the database would be found: 16 differ by half a microsecond. */
const PEOPLE = 256

export interface Conditions {
  /** A URL that `openStore` knows. */
  readonly store: string
  readonly random: Random
  readonly audit?: AuditLog
  readonly load: boolean
  /** Milliseconds; default none. */
  readonly replyGrid?: number
}

interface Person {
  readonly id: PermanentId
  readonly key: Uint8Array
  readonly status: UserStatus
}

/** How the requests of a class come about. */
interface Kind {
  readonly name: string
  readonly part: Part
  readonly status: UserStatus
  readonly exposed: boolean
  readonly registered?: boolean
  readonly request: (deps: Deps, person: Person, time: UnixSeconds) => Uint8Array
}

type Fields = Partial<Parameters<typeof buildRequest>[2]> & { readonly of?: Epoch }

/** A request as a phone makes it, but for the fields that are given; `of` is the epoch of its EBID. */
function request(deps: Deps, { id, key }: Person, time: UnixSeconds, { of, ...fields }: Fields = {}): Uint8Array {
  const epoch = epochAt(deps.calendar, NOON)
  const [ebid] = [makeEbids(deps.robert.serverKeyOf(dayOf(NOON))!, id, of ?? epoch, 1)]
  const whole = { code: CODE.status, ebid, epoch, time: ntpOf(time), payload: new Uint8Array(0), ...fields }
  return buildRequest(SPEC, key, whole)
}

const turned = (bytes: Uint8Array): Uint8Array => bytes.with(SIZE.request - 1, bytes.at(-1)! ^ 1)

function kinds(now: Epoch): readonly Kind[] {
  const exposure = (now - 100) as Epoch
  const of = (name: string, request: Kind['request'], others: Partial<Kind> = {}): Kind => {
    return { name, part: 'alike', status: NEW_STATUS, exposed: false, request, ...others }
  }
  const acknowledged = { ...NEW_STATUS, notified: 'acknowledged', warnedThrough: exposure, lastStatusRequestEpoch: 1 }
  const pending = { ...acknowledged, notified: 'pending' }
  const rested = { ...NEW_STATUS, lastStatusRequestEpoch: (now - 30) as Epoch }
  const asked = { ...NEW_STATUS, lastStatusRequestEpoch: (now - 1) as Epoch }
  return [
    of('malformed', (deps, person, time) => request(deps, person, time).subarray(1)),
    of('stale', (deps, person, time) => request(deps, person, later(time, -3600))),
    of('no server key', (deps, person, time) => request(deps, person, time, { epoch: (now + 5760) as Epoch })),
    of('wrong epoch', (deps, person, time) => request(deps, person, time, { of: (now - 1) as Epoch })),
    of('unknown id', request, { registered: false }),
    of('bad MAC', (deps, person, time) => turned(request(deps, person, time))),
    of('already notified', request, { status: acknowledged as UserStatus, exposed: true }),
    of('too early', request, { status: asked as UserStatus }),
    of('served "0"', request, { status: rested }),
    of('served "1"', request, { status: { ...rested, warnedThrough: (now - 1300) as Epoch }, exposed: true }),
    of(
      'renew',
      (deps, person, time) =>
        request(deps, person, time, { code: CODE.renew, payload: renewPayload((now + 5) as Epoch) }),
      { part: 'reported' },
    ),
    of(
      'acknowledge',
      (deps, person, time) => {
        const payload = replyIdOf(deps.robert.replyKey, person.id, exposure)
        return request(deps, person, time, { code: CODE.acknowledge, payload })
      },
      { status: pending as UserStatus, exposed: true, part: 'reported' },
    ),
    of('served "0", once more', request, { status: rested, part: 'null control' }),
    of('served "0", 20 µs late', request, { status: rested, part: 'leak' }),
  ]
}

/** A back-end with users in every state, and requests of every class for it. */
export async function requestWorld({
  store: url,
  random,
  audit,
  load,
  replyGrid = 0,
}: Conditions): Promise<RequestWorld> {
  const store = openStore(url)
  const settings = { ...DEFAULT_SETTINGS, serviceStart: SERVICE_START, replyGrid }
  const deps = makeDeps({ store, keyFiles: memoryKeys(), random, settings, ...(audit && { audit }) })
  await keepServerKeys(deps, NOON)
  const all = kinds(epochAt(deps.calendar, NOON))
  const people = await register(deps, all, random)
  const requests = all.map((kind, k) =>
    people[k]!.map((person, n) => kind.request(deps, person, later(NOON, (n % 32) - 16))),
  )
  // Bytes of its own each time: an object that is used again is quicker than a new one.
  const bytesOf = (k: number, round: number) => Uint8Array.from(requests[k]![round % PEOPLE]!)
  const classes = all.map(({ name, part }, k): TimedClass => {
    const prepare = (round: number) => {
      const batch = [bytesOf(k, round)]
      return () => authenticatedRequests(deps, batch, NOON)
    }
    return { name, part, prepare }
  })
  // A request that changes nothing, as a batch at the same time.
  const harmless = all.flatMap(({ name }, k) => (HARMLESS.includes(name) ? [k] : []))
  let others = 0
  const beside = () => {
    others++
    return authenticatedRequests(deps, [bytesOf(harmless[others % harmless.length]!, others)], NOON)
  }
  const atRound = (round: number) => people.map((some) => some[round % PEOPLE]!)
  return {
    deps,
    classes,
    restore: (round) => restore(deps, atRound(round)),
    ...(load && { beside }),
    close: () => store.close(),
    requestOf: bytesOf,
  }
}

const HARMLESS: readonly string[] = ['too early', 'bad MAC', 'renew']

/** The world with what its requests are sent to by other ways. */
export interface RequestWorld extends World {
  readonly deps: Deps
  readonly requestOf: (index: number, round: number) => Uint8Array
}

async function register(deps: Deps, all: readonly Kind[], random: Random): Promise<Person[][]> {
  const people: Person[][] = []
  for (const { status, exposed, registered = true } of all) {
    const some = Array.from({ length: PEOPLE }, () => {
      const id = Number.parseInt(Buffer.from(random(5)).toString('hex'), 16)
      return { id, key: random(SIZE.key), status }
    })
    people.push(some)
    await deps.store.transaction(async (tx) => {
      for (const { id, key } of registered ? some : []) await addUser(deps, tx, id, key, exposed)
    })
  }
  await restore(deps, people.flat())
  return people
}

async function addUser(deps: Deps, tx: Transaction, id: PermanentId, key: Uint8Array, exposed: boolean): Promise<void> {
  const epoch = (epochAt(deps.calendar, NOON) - 100) as Epoch
  const exposures = concat(...[0, 1, 2].map((slot) => packExposure({ epoch, slot, weight: 50 })))
  const authenticationKey = deps.seal('authentication', id, key)
  await tx.addUser({ id, authenticationKey, encryptionKey: deps.seal('encryption', id, key) })
  if (exposed) await tx.appendExposures([{ id, exposures }])
}

async function restore({ store }: Deps, people: readonly Person[]): Promise<void> {
  await store.transaction(async (tx) => {
    const users = await tx.usersOf(people.map(({ id }) => id))
    const changes = people.flatMap(({ id, status }) => {
      const from = users.get(id)?.status
      return from === undefined ? [] : [{ id, from, to: status }]
    })
    await tx.changeStatuses(changes)
  })
}
