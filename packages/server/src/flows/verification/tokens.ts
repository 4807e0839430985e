// The token between a code and its certificate: a JWT that this server writes and reads again within a day.
import {
  accepted,
  ascii,
  later,
  type Outcome,
  type Random,
  refused,
  toBase64url,
  type UnixSeconds,
  type UtcDay,
} from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { isEs256, isSignedBy, parseJwt, signJwt, TEST_TYPES, type TestType } from '@vicinity/protocol/gaen'
import type { Deps } from '../../deps.ts'
import { dateOf, parseDate } from './dates.ts'
import { LIFE } from './windows.ts'

/** What a token stands for. */
export interface Subject {
  readonly testType: TestType
  readonly symptomDay: UtcDay | undefined
  readonly testDay: UtcDay | undefined
}

const ID_BYTES = 96
export const drawTokenId = (random: Random): string => toBase64url(random(ID_BYTES))

/** What is stored of a token. */
export const hashOfToken = (id: string): Uint8Array => sha256(ascii(`token ${id}`))

export function signToken(deps: Deps, id: string, { testType, symptomDay, testDay }: Subject, at: UnixSeconds): string {
  const { issuer } = deps.settings.gaen.verification
  const { secret, kid } = deps.rotatingKeys.current('token', at)
  const dates = [symptomDay, testDay].map((day) => (day === undefined ? '' : dateOf(day)))
  return signJwt(secret, kid, {
    aud: issuer,
    exp: later(at, LIFE.token),
    iat: at,
    iss: issuer,
    jti: id,
    sub: [testType, ...dates].join('.'),
  })
}

/** The deployed server names an expired token invalid too, and keeps its code for expired ones for tokens that were used. */
export function readToken(
  deps: Deps,
  token: string,
  at: UnixSeconds,
): Outcome<{ readonly id: string; readonly subject: Subject }, 'tokenInvalid' | 'tokenExpired'> {
  const { issuer } = deps.settings.gaen.verification
  const jwt = parseJwt(token)
  if (jwt === undefined || !isEs256(jwt)) return refused('tokenInvalid')
  const key = deps.rotatingKeys.accepted('token', at).find(({ kid }) => kid === jwt.header['kid'])
  if (key === undefined || !isSignedBy(jwt, key.point)) return refused('tokenInvalid')
  const { aud, exp, iat, iss, jti, sub } = jwt.claims
  if (at > Number(exp)) return refused('tokenExpired')
  if (iss !== issuer || aud !== issuer || at < Number(iat)) return refused('tokenInvalid')
  return accepted({ id: String(jti), subject: subjectOf(String(sub)) })
}

/** Throws `Malformed` for what this server did not write. */
function subjectOf(text: string): Subject {
  const [type, symptomDate = '', testDate = ''] = text.split('.')
  const day = (date: string) => (date === '' ? undefined : parseDate(date, 'sub'))
  return {
    testType: TEST_TYPES.find((known) => known === type)!,
    symptomDay: day(symptomDate),
    testDay: day(testDate),
  }
}
