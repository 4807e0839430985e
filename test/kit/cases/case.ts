// What the sections share: the shape of a case, bytes that a name fixes, and the service of most cases.
import { type Hex, hex, label, sha256 } from '../second/hex.ts'
import { epochStart, ntpOfUtc, type Service } from '../second/time.ts'

/** What JSON can hold; a BigInt becomes a number. */
export type Plain = null | boolean | number | bigint | string | readonly Plain[] | { readonly [key: string]: Plain }
export type Fields = { readonly [key: string]: Plain }
export interface Case {
  readonly name: string
  readonly input: Fields
  readonly expected: Fields
}
export type Sections = Readonly<Record<string, readonly Case[]>>

/** Bytes that a name fixes: SHA-256 of the seed, the name and a counter, so that a new case changes no other. */
export function draw(name: string, bytes: number): Hex {
  let drawn = ''
  for (let block = 0; drawn.length < 2 * bytes; block++)
    drawn += sha256(label(`vicinity kit 1|${name}|`) + hex(block, 4))
  return drawn.slice(0, 2 * bytes)
}

export const START = ntpOfUtc('2026-03-01T00:00:00Z')
export const SERVICE: Service = { serviceStart: START, epochDuration: 900n }
export const COUNTRY = '21'
export const FEDERATION_KEY = draw('federation key', 32)
export const serverKeyOf = (day: bigint | number): Hex => draw(`server key ${day}`, 24)
export const ID = draw('permanent id', 5)
export const AUTHENTICATION_KEY = draw('authentication key', 32)
export const ENCRYPTION_KEY = draw('encryption key', 32)

export const at = (utc: string): bigint => ntpOfUtc(utc)
export const startOf = (epoch: number, service: Service = SERVICE): bigint => epochStart(service, BigInt(epoch))
/** Server keys of the days that a case needs. */
export const keysOf = (...days: readonly bigint[]): Record<string, Hex> =>
  Object.fromEntries(days.map((day) => [`${day}`, serverKeyOf(day)]))
