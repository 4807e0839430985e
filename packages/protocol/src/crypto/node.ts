// Cryptography of servers and of Node: node:crypto. Same exports as noble.ts; a test holds the two together.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'

const IV = 12
const TAG = 16

export function sha256(message: Uint8Array): Uint8Array {
  return createHash('sha256').update(message).digest()
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(message).digest()
}

/** HKDF-SHA256 (RFC 5869); an empty salt is a hash length of zero bytes. */
export function hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, info, length))
}

/** AES-ECB over whole blocks under a key of 16 or 32 bytes; the cipher object lives as long as the function. */
export function aesBlocks(key: Uint8Array): (blocks: Uint8Array) => Uint8Array {
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-ecb' : 'aes-256-ecb', key, null).setAutoPadding(false)
  return (blocks) => cipher.update(blocks)
}

/** AES-256-GCM with a 12-byte IV: ciphertext, then the 16-byte tag. */
export function gcmSeal(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Uint8Array {
  if (iv.length !== IV) throw new RangeError('an IV has 12 bytes')
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, iv, { authTagLength: TAG })
  if (aad !== undefined) cipher.setAAD(aad)
  const sealed = new Uint8Array(plaintext.length + TAG)
  sealed.set(cipher.update(plaintext))
  cipher.final()
  sealed.set(cipher.getAuthTag(), plaintext.length)
  return sealed
}

/** Undefined when the tag does not fit, or when the IV or the tag has another length than 12 and 16. */
export function gcmOpen(key: Uint8Array, iv: Uint8Array, sealed: Uint8Array, aad?: Uint8Array): Uint8Array | undefined {
  if (iv.length !== IV || sealed.length < TAG) return undefined
  const cipher = createDecipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, iv, { authTagLength: TAG })
  if (aad !== undefined) cipher.setAAD(aad)
  cipher.setAuthTag(sealed.subarray(sealed.length - TAG))
  const plaintext = cipher.update(sealed.subarray(0, sealed.length - TAG))
  try {
    cipher.final()
    return plaintext
  } catch {
    return undefined
  }
}

/** A P-256 private key of 32 bytes, drawn until it is in range. */
export function drawPrivateKey(random: (length: number) => Uint8Array): Uint8Array {
  for (;;) {
    const key = random(32)
    try {
      createECDH('prime256v1').setPrivateKey(key)
      return key
    } catch {
      // Out of range once in 2^32 draws.
    }
  }
}

/** The uncompressed point (65 bytes, first byte 04) of a private key. */
export function publicPoint(privateKey: Uint8Array): Uint8Array {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(privateKey)
  return pair.getPublicKey()
}

/** The x-coordinate, 32 bytes. Undefined when the point is not uncompressed or not on the curve (ROBERT §3.3). */
export function sharedSecret(privateKey: Uint8Array, point: Uint8Array): Uint8Array | undefined {
  if (point.length !== 65 || point[0] !== 4) return undefined // node:crypto accepts compressed and hybrid forms
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(privateKey)
  try {
    return pair.computeSecret(point)
  } catch {
    return undefined
  }
}

/** Compares in a time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * ECDSA on P-256 with SHA-256: r | s, 64 bytes. Deterministic (RFC 6979), so that the same file has the same signature: node:crypto
 * draws its nonces.
 */
export function ecdsaSign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  return p256.sign(sha256(message), privateKey, { prehash: false, lowS: false })
}

/** Whether `signature` (r | s, 64 bytes) is that of the message under an uncompressed public point. */
export function ecdsaVerify(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || point.length !== 65 || point[0] !== 4) return false
  const coordinate = (from: number) => Buffer.from(point.subarray(from, from + 32)).toString('base64url')
  try {
    const key = createPublicKey({
      format: 'jwk',
      key: { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) },
    })
    return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false // no point on the curve
  }
}

/** As `ecdsaVerify`, of a message whose SHA-256 is known: node:crypto would hash the digest once more. */
export function ecdsaVerifyDigest(point: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || !p256.utils.isValidPublicKey(point, false)) return false
  return p256.verify(signature, digest, point, { prehash: false, lowS: false })
}

/** SHA-256 of a message that comes in pieces: `update` with each, then `digest` once. */
export function sha256Stream(): { update: (piece: Uint8Array) => void; digest: () => Uint8Array } {
  const stream = createHash('sha256')
  return { update: (piece) => void stream.update(piece), digest: () => stream.digest() }
}
