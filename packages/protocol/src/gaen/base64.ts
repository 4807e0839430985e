// The deployed world writes bytes in JSON as padded base64; ours, and JWT, as unpadded base64url.
import { fromBase64url, toBase64url } from '../bytes.ts'

/** RFC 4648 §4, padded: the form of keys and MACs in the JSON of the verification server and the key server. */
export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(4 * Math.ceil(text.length / 4), '=')
}

/** Takes either alphabet, padded or not, as the deployed servers do; unused bits must be zero. Throws `Malformed` naming `field`. */
export const fromBase64 = (text: string, field = 'base64'): Uint8Array =>
  fromBase64url(
    text
      .replace(/={1,2}$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_'),
    field,
  )
