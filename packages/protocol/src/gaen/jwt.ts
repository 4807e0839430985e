// JSON Web Tokens (RFC 7519) with the one signature that the deployed servers take: ES256.
import { ecdsaSign, ecdsaVerify } from '#crypto'
import { ascii, fromBase64url, toBase64url } from '../bytes.ts'
import { Malformed } from '../outcome.ts'

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** What the signature is over. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/** A public key of a signer: `point` has 65 bytes, uncompressed. */
export interface VerifyingKey {
  readonly kid: string
  readonly point: Uint8Array
}

/** Characters; those of the deployed servers have below 1,000. */
export const LONGEST_JWT = 8192
const PARTS = 3

/** Signed with ES256 under a P-256 private key of 32 bytes that verifiers know as `kid`. Equal claims give equal tokens. */
export function signJwt(privateKey: Uint8Array, kid: string, claims: Readonly<Record<string, unknown>>): string {
  const text = [{ alg: 'ES256', kid, typ: 'JWT' }, claims].map((part) => toBase64url(ascii(JSON.stringify(part))))
  const signed = text.join('.')
  return `${signed}.${toBase64url(ecdsaSign(privateKey, ascii(signed)))}`
}

/** Takes it apart and checks nothing of what it says. Undefined for what is no JWT. */
export function parseJwt(jwt: string): Jwt | undefined {
  const parts = jwt.length > LONGEST_JWT ? [] : jwt.split('.')
  if (parts.length !== PARTS) return undefined
  try {
    const [header, claims, signature] = parts.map((part) => fromBase64url(part, 'jwt'))
    return {
      header: objectOf(header!),
      claims: objectOf(claims!),
      signed: ascii(`${parts[0]}.${parts[1]}`),
      signature: signature!,
    }
  } catch {
    return undefined
  }
}

/** Whether the token is signed with ES256 under `point`: the header's own claim of another algorithm opens no other way. */
export const isSignedBy = (jwt: Jwt, point: Uint8Array): boolean => ecdsaVerify(point, jwt.signed, jwt.signature)

/** RFC 7515 §4.1.11: an extension that is declared critical and not understood refuses the token; we understand none. */
export const isEs256 = ({ header }: Jwt): boolean => header['alg'] === 'ES256' && header['crit'] === undefined

const decoder = new TextDecoder('utf-8', { fatal: true })

function objectOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(decoder.decode(bytes))
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Malformed('jwt', 'an object')
  return parsed as Readonly<Record<string, unknown>>
}
