// A country of so many users, and what phones upload that heard them: valid items, all of one day, in batches.
import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { type Epoch, epochAt, ntpOf, type UnixSeconds, type UtcDay, writeUint } from '@vicinity/protocol'
import {
  CODE,
  type ContactContext,
  DEFAULT_PARAMETERS,
  federationCipher,
  SIZE,
  SPEC,
  serverKeyOf,
} from '@vicinity/protocol/robert'
import { hmac12OfRows, MAC_BYTES } from '../packages/protocol/src/kernels/hmac.ts'
import { skinnyEncrypt } from '../packages/protocol/src/kernels/skinny.ts'
import { HELLO_MAC_INPUT, writeHelloMacInput } from '../packages/protocol/src/robert/hello.ts'
import type { Oracle } from '../packages/protocol/test/oracle/contact.ts'
import * as readable from '../packages/protocol/test/oracle/skinny.ts'
import { nibbleDecryption } from './skinny-nibbles.ts'
import { UserTable } from './user-table.ts'

/** Items of a batch, and batches: more than the caches near a core hold. */
export const BATCH = 4096
const BATCHES = 64

const unix = (utc: string): UnixSeconds => (Date.parse(utc) / 1000) as UnixSeconds
export const NOW: UnixSeconds = unix('2026-03-21T12:00:00Z')
export const YESTERDAY = unix('2026-03-20T00:00:00Z')
export const calendar = { serviceStart: unix('2026-03-01T00:00:00Z'), epochDuration: 900 }
const FRANCE = 33
const GERMANY = 49
const LOUD = 85

export interface Country {
  readonly context: ContactContext
  readonly table: UserTable
  readonly batches: readonly Uint8Array[]
  /** The same back-end call by call, on node:crypto, with a SKINNY that goes nibble by nibble. */
  readonly naive: Oracle
  /** With the SKINNY of the tests, rows in words. */
  readonly readable: Oracle
}

/** Chance, cheap enough for megabytes. */
export function random(length: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16))
  return cipher.update(Buffer.alloc(length))
}

export function drawIds(count: number): Float64Array {
  const ids = new Set<number>()
  while (ids.size < count) {
    const drawn = random(5 * (count - ids.size))
    for (let n = 0; n < drawn.length; n += 5) ids.add(drawn.readUIntBE(n, 5))
  }
  return Float64Array.from(ids)
}

export function countryOf(users: number): Country {
  const ids = drawIds(users)
  const keys = random(SIZE.key * users)
  const table = new UserTable(ids, keys)
  const federationKey = random(16)
  const serverKeys = new Map<UtcDay, Uint8Array>()
  const firstDay = calendar.serviceStart / 86_400
  for (let day = firstDay; day < firstDay + 24; day++) serverKeys.set(day as UtcDay, random(SIZE.serverKey))
  const ready = new Map([...serverKeys].map(([day, bytes]) => [day, serverKeyOf(bytes)] as const))
  const context: ContactContext = {
    calendar,
    profile: SPEC,
    parameters: DEFAULT_PARAMETERS,
    countryCode: FRANCE,
    peers: new Set([GERMANY]),
    federation: federationCipher(federationKey),
    serverKeyOf: (day) => ready.get(day),
  }
  const batches = Array.from({ length: BATCHES }, () => itemsOf(context, ids, table))
  const calls = callByCall(federationKey, ids, keys)
  const oracle = (form: (key: Uint8Array) => Decryption): Oracle => ({
    ...calls,
    ...context,
    decrypt: decryption(serverKeys, form),
  })
  return { context, table, batches, naive: oracle(nibbleDecryption), readable: oracle(wordDecryption) }
}

/** A batch of valid items of users at random, in the columns that the kernels take. */
export function itemsOf(context: ContactContext, ids: Float64Array, table: UserTable): Uint8Array {
  const drawn = random(8 * BATCH)
  const rows = Int32Array.from({ length: BATCH }, (_, k) => drawn.readUInt32LE(8 * k) % ids.length)
  // Away from midnight, so that the day of the emission is that of the reception.
  const times = rows.map((_, k) => 900 + (drawn.readUInt32LE(8 * k + 4) % 84_600))
  const ebids = new Uint8Array(SIZE.ebid * BATCH)
  const items = new Uint8Array(SIZE.item * BATCH)
  for (let k = 0; k < BATCH; k++) {
    const at = (YESTERDAY + times[k]!) as UnixSeconds
    const epoch: Epoch = epochAt(context.calendar, at)
    writeUint(ebids, SIZE.ebid * k, 3, epoch)
    writeUint(ebids, SIZE.ebid * k + 3, 5, ids[rows[k]!]!)
    writeUint(items, SIZE.item * k + 9, 2, ntpOf(at) % 0x10000)
    writeUint(items, SIZE.item * k + SIZE.hello, 4, ntpOf(at) + (drawn[8 * k]! % 5))
    items[SIZE.item * k + 20] = LOUD
  }
  skinnyEncrypt(context.serverKeyOf((YESTERDAY / 86_400) as UtcDay)!, ebids)
  const stream = context.federation(ebids)
  const inputs = new DataView(new ArrayBuffer(HELLO_MAC_INPUT * BATCH))
  const view = new DataView(items.buffer)
  for (let k = 0; k < BATCH; k++) {
    items[SIZE.item * k] = stream[k]! ^ context.countryCode
    items.set(ebids.subarray(SIZE.ebid * k, SIZE.ebid * (k + 1)), SIZE.item * k + SIZE.ecc)
    writeHelloMacInput(inputs, k, view, SIZE.item * k)
  }
  const macs = hmac12OfRows(table.midstates, rows, new Uint8Array(inputs.buffer))
  for (let k = 0; k < BATCH; k++) {
    items.set(macs.subarray(MAC_BYTES * k, MAC_BYTES * k + SIZE.helloMac), SIZE.item * k + SIZE.hello - SIZE.helloMac)
  }
  return items
}

type Decryption = (ebid: Uint8Array) => Uint8Array

function wordDecryption(bytes: Uint8Array): Decryption {
  const key = readable.skinnyKey(bytes)
  return (ebid) => {
    const block = Uint8Array.from(ebid)
    readable.skinnyDecrypt(key, block)
    return block
  }
}

function decryption(
  serverKeys: ReadonlyMap<UtcDay, Uint8Array>,
  form: (key: Uint8Array) => Decryption,
): Oracle['decrypt'] {
  const days = new Map([...serverKeys].map(([day, key]) => [day, form(key)] as const))
  return (day, ebid) => days.get(day)?.(ebid)
}

/** What else the oracle of the tests asks for, each by one call of its own. */
function callByCall(
  federationKey: Uint8Array,
  ids: Float64Array,
  keys: Uint8Array,
): Pick<Oracle, 'stream' | 'keyOf' | 'macFits'> {
  const rowOf = new Map<number, number>()
  ids.forEach((id, row) => void rowOf.set(id, row))
  const zeros = new Uint8Array(8)
  return {
    stream: (ebid) => {
      const cipher = createCipheriv('aes-128-ecb', federationKey, null).setAutoPadding(false)
      return cipher.update(Buffer.concat([ebid, zeros]))[0]!
    },
    keyOf: (id) => {
      const row = rowOf.get(id)
      return row === undefined ? undefined : keys.subarray(SIZE.key * row, SIZE.key * (row + 1))
    },
    macFits: (key, hello) => {
      const mac = createHmac('sha256', key).update(Uint8Array.of(CODE.hello)).update(hello.subarray(0, 11)).digest()
      return mac.subarray(0, SIZE.helloMac).equals(hello.subarray(11, 16))
    },
  }
}
