// Codes, handles, nonces and phone numbers as the store knows them. Short codes could all be tried against a plain hash within a
// second; without the key, which lies outside the database, they cannot.
import { ascii, concat, drawBelow, type Random, toHex, type UnixSeconds } from '@vicinity/protocol'
import { hmacSha256 } from '@vicinity/protocol/crypto'
import type { Deps } from '../../deps.ts'
import type { Hashes } from '../../store/verification.ts'

export type SecretKind = 'code' | 'handle' | 'nonce' | 'phone'

/** What a secret is stored as, first, and what it was stored as before the key changed. */
export function hashesOf(
  deps: Pick<Deps, 'rotatingKeys'>,
  kind: SecretKind,
  text: string | Uint8Array,
  at: UnixSeconds,
): Hashes {
  const [current, before = current] = deps.rotatingKeys.accepted('code', at)
  const bytes = concat(ascii(`${kind} `), typeof text === 'string' ? ascii(text) : text)
  return [hmacSha256(current!.secret, bytes), hmacSha256(before!.secret, bytes)]
}

const SHORT_DIGITS = 8
const LONG_CHARACTERS = 16
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

export const drawShortCode = (random: Random): string =>
  String(drawBelow(random, 10 ** SHORT_DIGITS)).padStart(SHORT_DIGITS, '0')

/** 82 random bits: nobody guesses it. */
export const drawLongCode = (random: Random): string =>
  Array.from({ length: LONG_CHARACTERS }, () => ALPHABET[drawBelow(random, ALPHABET.length)]).join('')

/** Whether somebody could try such a code out. */
export const isGuessable = (code: string): boolean => code.length < LONG_CHARACTERS

/** A random UUID (RFC 9562, version 4). */
export function drawUuid(random: Random): string {
  const bytes = random(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
