import {
  assert,
  type Calendar,
  dayOf,
  dayOfEpoch,
  type Epoch,
  epochAt,
  epochStart,
  epochsIn,
  firstEpochOfDay,
  ntpOf,
  type RequestOf,
  type ResponseOf,
  readUint,
  type UnixSeconds,
} from '@vicinity/protocol'
import {
  checkChallenge,
  keysOfSecret,
  makeList,
  type PermanentId,
  type SharedKeys,
  sealFor,
} from '@vicinity/protocol/robert'
import { type Deps, Refused, Unavailable } from '../deps.ts'
import type { Transaction } from '../store/store.ts'
import { nextPoll } from './next-poll.ts'
import { service } from './parameters.ts'

/** Registration, server side: ROBERT §3.2 and §3.3. */
export async function register(
  deps: Deps,
  input: RequestOf<'register'>,
  at: UnixSeconds,
): Promise<ResponseOf<'register'>> {
  const epoch = epochAt(deps.calendar, at)
  if (epoch < 0) throw new Unavailable('the service has not started')
  if (deps.robert.serverKeyOf(dayOfEpoch(deps.calendar, epoch)) === undefined) {
    throw new Unavailable('the server key of this epoch is missing')
  }
  // The proof of work comes before the key agreement: hashing is cheap, a scalar multiplication is not.
  const work = checkChallenge(deps.keys.challengeKey, input.publicKey, input.challenge, input.solution, at)
  if (!work.ok) throw new Refused(work.reason)
  const secret = deps.keys.agree(input.publicKey)
  assert(secret !== undefined, 'the codec lets points on the curve through, and no other')
  const shared = keysOfSecret(deps.robert.profile, secret)
  const id = await deps.store.transaction(async (tx) => {
    if (!(await tx.spendChallenge(work.value.spentKey, work.value.expires))) throw new Refused('challengeSpent')
    return addUser(deps, tx, shared)
  })
  deps.count('registered')
  return {
    epoch,
    epochDuration: deps.calendar.epochDuration,
    nextEpochStart: ntpOf(epochStart(deps.calendar, epoch + 1)),
    serverTime: ntpOf(at),
    nextPoll: nextPoll(deps),
    service: service(deps),
    list: firstList(deps, id, shared, deps.calendar, epoch, at),
  }
}

/** ID_A: 40 random bits, drawn again while taken (ROBERT §3.2.1; docs/divergences.md, 22). */
async function addUser(deps: Deps, tx: Transaction, shared: SharedKeys): Promise<PermanentId> {
  for (let draws = 0; draws < 100; draws++) {
    const id = readUint(deps.random(5), 0, 5)
    const authenticationKey = deps.seal('authentication', id, shared.authenticationKey)
    const encryptionKey = deps.seal('encryption', id, shared.encryptionKey)
    if (await tx.addUser({ id, authenticationKey, encryptionKey })) return id
  }
  throw new Unavailable('no free identifier was drawn')
}

/** The initial list of §3.3: today and the days of the bundle, in the form of the profile. */
function firstList(
  deps: Deps,
  id: PermanentId,
  shared: SharedKeys,
  calendar: Calendar,
  epoch: Epoch,
  at: UnixSeconds,
): Uint8Array {
  const days = deps.robert.parameters.bundleDays + 1
  const count = firstEpochOfDay(calendar, dayOf(at) + days) - epoch
  const capacity = Math.ceil(epochsIn(calendar, days)) + 1
  const list = deps.robert.profile.listCodec.encode(makeList(deps.robert, id, epoch, count), capacity)
  return sealFor(shared.encryptionKey, list, deps.random)
}
