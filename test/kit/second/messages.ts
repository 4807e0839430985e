// The bytes of every message, from the specification and from the table of messages, in that order.
import { createECDH } from 'node:crypto'
import { aesBlock, type Hex, head, hex, hmac, label, number, sealGcm, sha256 } from './hex.ts'
import { decrypt, encrypt } from './skinny.ts'
import { low16, low32 } from './time.ts'

export type Profile = 'spec' | 'tac'

const LABELS = {
  spec: { authentication: 'authentication key', encryption: 'encryption key' },
  tac: { authentication: 'mac', encryption: 'tuples' },
} as const
const EPOCH_BYTES_IN_MAC = { spec: 3, tac: 4 } as const

/** ROBERT §3.2: two keys from an ECDH on P-256. The shared secret is the key of the HMAC, the label its message. */
export function agree(profile: Profile, ownPrivate: Hex, peerPublic: Hex) {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(ownPrivate, 'hex')
  const sharedSecret = pair.computeSecret(peerPublic, 'hex', 'hex').padStart(64, '0')
  return {
    sharedSecret,
    authenticationKey: hmac(sharedSecret, label(LABELS[profile].authentication)),
    encryptionKey: hmac(sharedSecret, label(LABELS[profile].encryption)),
  }
}

export function publicKeyOf(privateKey: Hex): Hex {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(privateKey, 'hex')
  return pair.getPublicKey('hex', 'uncompressed')
}

/** ROBERT §4: EBID = ENC(K_S, i | ID). */
export const ebidOf = (serverKey: Hex, epoch: bigint | number, id: Hex): Hex => encrypt(serverKey, hex(epoch, 3) + id)

export function openEbid(serverKey: Hex, ebid: Hex): { epoch: number; id: Hex } {
  const block = decrypt(serverKey, ebid)
  return { epoch: number(block.slice(0, 6)), id: block.slice(6) }
}

/** ROBERT §4: ECC = MSB(AES(K_G, EBID | 0^64)) xor CC. The same function opens it. */
export const eccOf = (federationKey: Hex, ebid: Hex, countryCode: Hex): Hex =>
  hex(number(head(aesBlock(federationKey, ebid + hex(0, 8)), 1)) ^ number(countryCode), 1)

/** ROBERT §5.1. */
export const helloMac = (authenticationKey: Hex, message: Hex): Hex => head(hmac(authenticationKey, `01${message}`), 5)
export function helloOf(authenticationKey: Hex, ecc: Hex, ebid: Hex, at: bigint): Hex {
  const message = ecc + ebid + hex(low16(at), 2)
  return message + helloMac(authenticationKey, message)
}

export const itemOf = (hello: Hex, heardAt: bigint, signal: Hex): Hex => hello + hex(low32(heardAt), 4) + signal

export const PAYLOAD = 47
/** ROBERT §7, appendix C. `payload` without its zeros at the end. */
export interface RequestFields {
  readonly c: number
  readonly ebid: Hex
  readonly epoch: number
  readonly time: bigint
  readonly payload?: Hex
}

export function requestMacInput(profile: Profile, fields: RequestFields): Hex {
  const start = hex(fields.c, 1) + fields.ebid + hex(fields.epoch, EPOCH_BYTES_IN_MAC[profile])
  const specified = start + hex(low32(fields.time), 4)
  return fields.c < 5 ? specified : specified + (fields.payload ?? '').padEnd(2 * PAYLOAD, '0')
}

export function requestOf(profile: Profile, authenticationKey: Hex, fields: RequestFields): Hex {
  const start = hex(fields.c, 1) + fields.ebid + hex(fields.epoch, 4) + hex(low32(fields.time), 4)
  const payload = (fields.payload ?? '').padEnd(2 * PAYLOAD, '0')
  return start + payload + hmac(authenticationKey, requestMacInput(profile, fields))
}

/** Payload of c = 7: nonce 16 | time of the test 4 | proof 16. */
export function resetToken(key: Hex, nonce: Hex, testedAt: bigint): Hex {
  const body = nonce + hex(low32(testedAt), 4)
  return body + head(hmac(key, label('negative test') + body), 16)
}

export interface Pair {
  readonly ebid: Hex
  readonly ecc: Hex
}

/** First epoch 4 | count 2 | the pairs, and zeros up to `room` pairs. */
export const listOf = (firstEpoch: number, pairs: readonly Pair[], room: number): Hex =>
  hex(firstEpoch, 4) +
  hex(pairs.length, 2) +
  pairs
    .map((pair) => pair.ebid + pair.ecc)
    .join('')
    .padEnd(18 * room, '0')

export interface ReplyFields {
  readonly kind: number
  readonly flags: number
  readonly serverTime: bigint
  readonly replyId: Hex
  readonly nextPoll: number
  readonly newestDay: number
  readonly firstEpoch: number
  readonly pairs: readonly Pair[]
}

const ROOM = 96
export const replyOf = (reply: ReplyFields): Hex =>
  hex(reply.kind, 1) +
  hex(reply.flags, 1) +
  hex(reply.serverTime, 8) +
  reply.replyId +
  hex(reply.nextPoll, 4) +
  hex(reply.newestDay, 2) +
  listOf(reply.firstEpoch, reply.pairs, ROOM)

export const sealed = (encryptionKey: Hex, iv: Hex, plaintext: Hex): Hex => sealGcm(encryptionKey, iv, plaintext)

/** Upload token of one item: request 32 | response 32; `spentKey` is what the server remembers. */
export function uploadToken(issuerKey: Hex, day: number, item: Hex, random: Hex) {
  const dayKey = hmac(issuerKey, label('token day') + hex(day, 4))
  const request = sha256(label('robert-item') + item + random)
  const response = hmac(dayKey, request)
  return { dayKey, request, response, token: request + response, spentKey: head(sha256(request + hex(day, 4)), 16) }
}

/** Proof of work: difficulty 1 | expiry 8 | nonce 16 | proof 32, bound to the public key that will register. */
export function challengeOf(key: Hex, difficulty: number, expiry: bigint, nonce: Hex, publicKey: Hex): Hex {
  const body = hex(difficulty, 1) + hex(expiry, 8) + nonce
  return body + hmac(key, label('registration challenge') + body + publicKey)
}

/** Zero bits at the start of SHA-256(challenge | nonce). */
export function leadingZeros(challenge: Hex, nonce: Hex): number {
  const bits = [...sha256(challenge + nonce)].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0'))
  return bits.join('').indexOf('1')
}
