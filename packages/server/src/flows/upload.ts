import {
  dayOf,
  issuerDayKey,
  ntpOf,
  type RequestOf,
  type ResponseOf,
  readUint,
  spentKeyOf,
  type UnixSeconds,
  unfold32,
  unixOf,
  verifyToken,
} from '@vicinity/protocol'
import { SIZE } from '@vicinity/protocol/robert'
import type { Deps } from '../deps.ts'
import { placeOfWindow, windowAt } from './pool.ts'
import { checkRoom } from './queue-room.ts'

const ROW_ID = 16

/**
 * Takes one item (ROBERT §6.1): checks its token, spends it and queues the sealed item in one transaction. The answer is the
 * same for a good, a spent and a forged token; nothing is judged here. Throws `Unavailable` while the queue is full.
 */
export async function upload(deps: Deps, input: RequestOf<'upload'>, at: UnixSeconds): Promise<ResponseOf<'upload'>> {
  checkRoom(deps)
  const day = dayOf(unixOf(unfold32(readUint(input.item, SIZE.hello, 4), ntpOf(at))))
  const age = dayOf(at) - day
  const kept = age >= -1 && age <= deps.robert.parameters.contagiousDays + 1
  const dayKey = issuerDayKey(deps.keys.issuerKey, day)
  if (!verifyToken(dayKey, input.item, input.random, input.token) || !kept) {
    deps.count('upload.tokenRefused')
    return {}
  }
  const window = windowAt(deps.robert.parameters, at)
  const sealed = deps.keys.seal(deps.keys.intakeKey(window), placeOfWindow(window), input.item)
  const rowId = deps.random(ROW_ID)
  const fresh = await deps.store.transaction(async (tx) => {
    const [spent] = await tx.spendTokens([{ day, spentKey: spentKeyOf(input.token, day) }])
    if (spent === true) await tx.queueItem(window, rowId, sealed)
    return spent
  })
  deps.count(fresh ? 'upload.queued' : 'upload.repeated')
  return {}
}
