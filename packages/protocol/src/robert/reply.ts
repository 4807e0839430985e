import { type Random, Reader, Writer } from '../bytes.ts'
import type { NtpSeconds, UtcDay } from '../time.ts'
import { REPLY_PAIRS, SEALED_REPLY, SIZE } from './constants.ts'
import { type IdentifierList, openFrom, packList, sealFor, unpackList } from './list.ts'

/** The plaintext of a reply: kind 1 | flags 1 | server time 8 | reply id 8 | next poll 4 | day 2 | first 4 | count 2 | pairs. */
export interface Reply {
  /** The code c of the request that is answered. */
  readonly kind: number
  readonly atRisk: boolean
  readonly serverTime: NtpSeconds
  readonly replyId: Uint8Array
  /** Seconds until the phone asks next. */
  readonly nextPoll: number
  /** UTC day of the newest exposure when at risk; 0 for none. */
  readonly exposureDay: UtcDay | 0
  readonly list: IdentifierList
}

const AT_RISK = 1
const HEAD = 24
const LIST = SIZE.reply - HEAD

/** Seals a reply under K_enc: always 922 bytes. */
export function sealReply(encryptionKey: Uint8Array, reply: Reply, random: Random): Uint8Array {
  const plaintext = new Writer(SIZE.reply)
    .uint(1, reply.kind)
    .uint(1, reply.atRisk ? AT_RISK : 0)
    .uint(2, 0) // server time is 8 bytes; 6 hold every time
    .uint(6, reply.serverTime)
    .put(reply.replyId)
    .uint(4, reply.nextPoll)
    .uint(2, reply.exposureDay)
    .put(packList(reply.list, REPLY_PAIRS)).bytes
  return sealFor(encryptionKey, plaintext, random)
}

/** The reply, or undefined when these are not bytes that the back-end sealed for this phone. */
export function openReply(encryptionKey: Uint8Array, sealed: Uint8Array): Reply | undefined {
  if (sealed.length !== SEALED_REPLY) return undefined
  const plaintext = openFrom(encryptionKey, sealed)
  if (plaintext === undefined) return undefined
  const reader = new Reader(plaintext, SIZE.reply, 'reply')
  const kind = reader.uint(1)
  const flags = reader.uint(1)
  reader.uint(2)
  return {
    kind,
    atRisk: flags % 2 === AT_RISK,
    serverTime: reader.uint(6) as NtpSeconds,
    replyId: reader.take(SIZE.replyId),
    nextPoll: reader.uint(4),
    exposureDay: reader.uint(2) as UtcDay,
    list: unpackList(reader.take(LIST), 'reply.list'),
  }
}

/** What every other outcome of an authenticated request gets: bytes that look like a sealed reply. */
export const constantReply = (random: Random): Uint8Array => random(SEALED_REPLY)
