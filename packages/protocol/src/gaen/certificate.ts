// The verification certificate: a health authority's word, for fifteen minutes, that somebody may publish the keys that a MAC names.
import { accepted, type Outcome, refused } from '../outcome.ts'
import type { UnixSeconds } from '../time.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { type IntervalNumber, LAST_INTERVAL } from './interval.ts'
import { isEs256, isSignedBy, type Jwt, parseJwt, signJwt, type VerifyingKey } from './jwt.ts'

/** What an authority certifies; `REPORT_TYPE` has the numbers of the export file. */
export const TEST_TYPES = ['confirmed', 'likely', 'negative', 'user-report'] as const
export type TestType = (typeof TEST_TYPES)[number]

export interface CertificateClaims {
  readonly issuer: string
  readonly audience: string
  readonly testType: TestType
  /** Undefined where nobody said. */
  readonly symptomOnset: IntervalNumber | undefined
  /** 32 bytes: see `tekMac`. */
  readonly tekmac: Uint8Array
  /** Also the first second in which it holds. */
  readonly issued: UnixSeconds
  /** The last second in which it holds. */
  readonly expires: UnixSeconds
}

/** In the order of the checks. */
export const CERTIFICATE_REFUSALS = [
  'form',
  'algorithm',
  'keyMissing',
  'issuer',
  'audience',
  'keyUnknown',
  'signature',
  'claims',
  'notYetValid',
  'expired',
] as const
export type CertificateRefusal = (typeof CERTIFICATE_REFUSALS)[number]

const TEKMAC_BYTES = 32

/** JWT of a verification server, signed under the P-256 private key that key servers know as `kid`. */
export const buildCertificate = (claims: CertificateClaims, privateKey: Uint8Array, kid: string): string =>
  signJwt(privateKey, kid, {
    aud: claims.audience,
    exp: claims.expires,
    iat: claims.issued,
    iss: claims.issuer,
    nbf: claims.issued,
    reportType: claims.testType,
    ...(claims.symptomOnset === undefined ? {} : { symptomOnsetInterval: claims.symptomOnset }),
    tekmac: toBase64(claims.tekmac),
  })

/** The claims of a certificate that nobody has verified. Undefined for what is no certificate. */
export function parseCertificate(jwt: string): CertificateClaims | undefined {
  const parsed = parseJwt(jwt)
  return parsed === undefined ? undefined : claimsOf(parsed)
}

/**
 * What a key server checks, in the order of the deployed one: nothing that the sender wrote is believed before the signature, and the
 * issuer is known before a key is looked for. `keys` are those of the issuer that are valid at `at`.
 */
export function verifyCertificate(
  jwt: string,
  keys: readonly VerifyingKey[],
  expected: { readonly issuer: string; readonly audience: string },
  at: UnixSeconds,
): Outcome<CertificateClaims, CertificateRefusal> {
  const parsed = parseJwt(jwt)
  if (parsed === undefined) return refused('form')
  if (!isEs256(parsed)) return refused('algorithm')
  const { kid } = parsed.header
  if (typeof kid !== 'string') return refused('keyMissing')
  if (parsed.claims['iss'] !== expected.issuer) return refused('issuer')
  if (parsed.claims['aud'] !== expected.audience) return refused('audience')
  const key = keys.find((candidate) => candidate.kid === kid)
  if (key === undefined) return refused('keyUnknown')
  if (!isSignedBy(parsed, key.point)) return refused('signature')
  const claims = claimsOf(parsed)
  if (claims === undefined) return refused('claims')
  if (at < claims.issued) return refused('notYetValid')
  return at > claims.expires ? refused('expired') : accepted(claims)
}

function claimsOf({ claims }: Jwt): CertificateClaims | undefined {
  const { iss: issuer, aud: audience, reportType, symptomOnsetInterval = 0, exp } = claims
  const testType = TEST_TYPES.find((type) => type === reportType)
  const tekmac = tekmacOf(claims['tekmac'])
  // Servers that write no `nbf` write `iat`, or neither; the later of the two holds.
  const { iat = 0, nbf = 0 } = claims
  if (typeof issuer !== 'string' || typeof audience !== 'string' || testType === undefined) return undefined
  if (tekmac === undefined || !isInterval(symptomOnsetInterval)) return undefined
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf)) return undefined
  return {
    issuer,
    audience,
    testType,
    symptomOnset: symptomOnsetInterval === 0 ? undefined : symptomOnsetInterval,
    tekmac,
    issued: Math.max(iat, nbf) as UnixSeconds,
    expires: exp,
  }
}

function tekmacOf(claim: unknown): Uint8Array | undefined {
  if (typeof claim !== 'string') return undefined
  try {
    const tekmac = fromBase64(claim, 'tekmac')
    return tekmac.length === TEKMAC_BYTES ? tekmac : undefined
  } catch {
    return undefined
  }
}

const isTime = (claim: unknown): claim is UnixSeconds => Number.isFinite(claim)
const isInterval = (claim: unknown): claim is IntervalNumber =>
  Number.isInteger(claim) && (claim as number) >= 0 && (claim as number) <= LAST_INTERVAL
