import { accepted, type Outcome, refused, type UnixSeconds } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'
import { TEST_TYPES, type TestType } from '@vicinity/protocol/gaen'
import type { FoundCode, Hashes } from '../../store/verification.ts'
import type { Reason } from './refusals.ts'

/** Who takes one type takes those before it too; a report of the user is taken with confirmed ones. */
const TAKEN_WITH: Readonly<Record<TestType, readonly TestType[]>> = {
  confirmed: ['confirmed'],
  likely: ['confirmed', 'likely'],
  negative: ['confirmed', 'likely', 'negative'],
  'user-report': ['confirmed', 'user-report'],
}

/** The types that a phone takes; of one that names none, all. Undefined where it names a type that does not exist. */
export function acceptedTypes(named: readonly unknown[]): ReadonlySet<TestType> | undefined {
  const types = named.map((name) => TEST_TYPES.find((type) => type === String(name).toLowerCase()))
  if (types.includes(undefined)) return undefined
  return new Set(named.length === 0 ? TEST_TYPES : types.flatMap((type) => TAKEN_WITH[type!]))
}

export interface Redemption {
  readonly accept: ReadonlySet<TestType>
  /** HMACs of the nonce that came with the code. */
  readonly nonce: Hashes
  /** Whether so many wrong codes came lately that codes of this kind are not looked at. */
  readonly closed: boolean
}

/** Whether a code becomes a token. A code that does not exist, was used, or came with another nonce are refused alike. */
export function decideCode(
  found: FoundCode | undefined,
  { accept, nonce, closed }: Redemption,
  at: UnixSeconds,
): Outcome<FoundCode, Reason> {
  if (closed) return refused('tooManyWrongCodes')
  if (found === undefined) return refused('codeInvalid')
  if (at >= (found.long ? found.longExpires : found.expires)) return refused('codeExpired')
  if (found.claimed) return refused('codeInvalid')
  if (!accept.has(found.testType)) return refused('testTypeNotAccepted')
  const wanted = found.nonce
  if (wanted !== undefined && !nonce.some((hash) => equalBytes(hash, wanted))) return refused('codeInvalid')
  return accepted(found)
}
