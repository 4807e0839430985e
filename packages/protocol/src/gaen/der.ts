// ECDSA signatures on P-256 in two forms: DER, SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 §2.2.3), and r | s of 32 bytes each.
import { concat } from '../bytes.ts'
import { Malformed } from '../outcome.ts'

const SEQUENCE = 0x30
const INTEGER = 0x02
const SCALAR = 32
/** Header of the sequence, headers of the numbers, a zero before either when its first bit is set. */
const MOST_DER = 2 + 2 * (2 + 1 + SCALAR)

function derInteger(scalar: Uint8Array): Uint8Array {
  const first = scalar.findIndex((byte) => byte !== 0)
  const digits = first < 0 ? scalar.subarray(-1) : scalar.subarray(first)
  const padded = digits[0]! >= 0x80 ? concat(Uint8Array.of(0), digits) : digits
  return concat(Uint8Array.of(INTEGER, padded.length), padded)
}

/** r | s, 64 bytes, to DER. */
export function derOfSignature(signature: Uint8Array): Uint8Array {
  const numbers = concat(derInteger(signature.subarray(0, SCALAR)), derInteger(signature.subarray(SCALAR)))
  return concat(Uint8Array.of(SEQUENCE, numbers.length), numbers)
}

const malformed = (): Malformed => new Malformed('signature', 'two positive numbers of 256 bits in DER')

/** Where the number at `offset` ends; it is written to the end of `scalar`. */
function readInteger(der: Uint8Array, offset: number, scalar: Uint8Array): number {
  const length = der[offset + 1]
  if (der[offset] !== INTEGER || length === undefined || length === 0) throw malformed()
  const end = offset + 2 + length
  const digits = der.subarray(offset + 2, end)
  const isNegative = digits[0]! >= 0x80
  // One form for every number: a zero in front only where the number would be negative without.
  const hasZero = digits[0] === 0 && length > 1
  const isShortest = !hasZero || digits[1]! >= 0x80
  const significant = hasZero ? digits.subarray(1) : digits
  if (end > der.length || isNegative || !isShortest || significant.length > SCALAR) throw malformed()
  scalar.set(significant, SCALAR - significant.length)
  return end
}

/** DER to r | s. Throws `Malformed` for every other encoding of the same numbers: a signature has one form. */
export function signatureOfDer(der: Uint8Array): Uint8Array {
  if (der.length > MOST_DER || der[0] !== SEQUENCE || der[1] !== der.length - 2) throw malformed()
  const signature = new Uint8Array(2 * SCALAR)
  const middle = readInteger(der, 2, signature.subarray(0, SCALAR))
  if (readInteger(der, middle, signature.subarray(SCALAR)) !== der.length) throw malformed()
  return signature
}
