// Uploads that can be told apart after they were applied: no two of them make the same exposure.
import { concat, dayOf, type Epoch, epochStart, later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { buildHello, packExposure, packItem, packSignal, SIZE } from '@vicinity/protocol/robert'
import { type BackEnd, NOON, type Phone, pairAt, randomOf, withToken } from './fixture.ts'

/** item 21 | random 32 | token 64 */
export const UPLOAD_SIZE = SIZE.item + 32 + 64
const LOUD = 10
const SLOTS = 3
const MINUTES = 5

/** Two minutes for each upload, so that a run crosses windows. Phones register four days before the first. */
export const uploadTime = (index: number): UnixSeconds => later(NOON, 120 * index)
export const REGISTRATION: UnixSeconds = later(NOON, -4 * 86_400)

/** The exposure that an upload makes, counting from the epoch after the registration: epoch, slot, minutes. */
function exposureAt(phone: Phone, index: number) {
  const epoch = (phone.list.first + 1 + Math.floor(index / (SLOTS * MINUTES))) as Epoch
  return { epoch, slot: Math.floor(index / MINUTES) % SLOTS, minutes: 1 + (index % MINUTES) }
}

/** What LEE holds for an upload. */
export function packedExposure(phone: Phone, index: number): Uint8Array {
  const { epoch, slot, minutes } = exposureAt(phone, index)
  return packExposure({ epoch, slot, weight: 10 * minutes })
}

export function itemAt(server: BackEnd, phone: Phone, index: number): Uint8Array {
  const { epoch, slot, minutes } = exposureAt(phone, index)
  const time = later(epochStart(server.deps.calendar, epoch), 300 * slot + 7)
  const hello = buildHello(phone.keys.authenticationKey, pairAt(server, phone, time), ntpOf(time))
  return packItem(hello, ntpOf(time), packSignal({ strengthClass: LOUD, minutes }))
}

export function uploadAt(server: BackEnd, phone: Phone, index: number) {
  const { epoch } = exposureAt(phone, index)
  const day = dayOf(epochStart(server.deps.calendar, epoch))
  return withToken(server, itemAt(server, phone, index), day, randomOf(`upload ${index}`)(32))
}

export function uploadBytes(server: BackEnd, phone: Phone, count: number): Uint8Array {
  const uploads = Array.from({ length: count }, (_, index) => uploadAt(server, phone, index))
  return concat(...uploads.flatMap(({ item, random, token }) => [item, random, token]))
}
