// Cryptography of phones and browsers: noble. Same exports as node.ts; a test holds the two together.
import { ecb, gcm } from '@noble/ciphers/aes.js'
import { p256 } from '@noble/curves/nist.js'
import { hkdf as derive } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as hash } from '@noble/hashes/sha2.js'

const IV = 12
const TAG = 16

export function sha256(message: Uint8Array): Uint8Array {
  return hash(message)
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(hash, key, message)
}

/** HKDF-SHA256 (RFC 5869); an empty salt is a hash length of zero bytes. */
export function hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return derive(hash, key, salt, info, length)
}

/** Noble would take 24 bytes, and a wrong length would look like a wrong tag. */
function aesKey(key: Uint8Array): Uint8Array {
  if (key.length !== 16 && key.length !== 32) throw new RangeError('an AES key has 16 or 32 bytes')
  return key
}

/** AES-ECB over whole blocks under a key of 16 or 32 bytes. */
export function aesBlocks(key: Uint8Array): (blocks: Uint8Array) => Uint8Array {
  const checked = aesKey(key)
  return (blocks) => ecb(checked, { disablePadding: true }).encrypt(blocks)
}

/** AES-256-GCM with a 12-byte IV: ciphertext, then the 16-byte tag. */
export function gcmSeal(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Uint8Array {
  if (iv.length !== IV) throw new RangeError('an IV has 12 bytes')
  return gcm(aesKey(key), iv, aad).encrypt(plaintext)
}

/** Undefined when the tag does not fit, or when the IV or the tag has another length than 12 and 16. */
export function gcmOpen(key: Uint8Array, iv: Uint8Array, sealed: Uint8Array, aad?: Uint8Array): Uint8Array | undefined {
  if (iv.length !== IV || sealed.length < TAG) return undefined
  const cipher = gcm(aesKey(key), iv, aad)
  try {
    return cipher.decrypt(sealed)
  } catch {
    return undefined
  }
}

/** A P-256 private key of 32 bytes, drawn until it is in range. */
export function drawPrivateKey(random: (length: number) => Uint8Array): Uint8Array {
  for (;;) {
    const key = random(32)
    if (p256.utils.isValidSecretKey(key)) return key
  }
}

/** The uncompressed point (65 bytes, first byte 04) of a private key. */
export function publicPoint(privateKey: Uint8Array): Uint8Array {
  return p256.getPublicKey(privateKey, false)
}

/** The x-coordinate, 32 bytes. Undefined when the point is not uncompressed or not on the curve (ROBERT §3.3). */
export function sharedSecret(privateKey: Uint8Array, point: Uint8Array): Uint8Array | undefined {
  if (!p256.utils.isValidPublicKey(point, false)) return undefined
  return p256.getSharedSecret(privateKey, point).slice(1, 33)
}

/** Compares in a time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/** ECDSA on P-256 with SHA-256: r | s, 64 bytes. Deterministic (RFC 6979), so that the same file has the same signature. */
export function ecdsaSign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  return p256.sign(hash(message), privateKey, { prehash: false, lowS: false })
}

/** Whether `signature` (r | s, 64 bytes) is that of the message under an uncompressed public point. */
export function ecdsaVerify(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return ecdsaVerifyDigest(point, hash(message), signature)
}

/** As `ecdsaVerify`, of a message whose SHA-256 is known. */
export function ecdsaVerifyDigest(point: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || !p256.utils.isValidPublicKey(point, false)) return false
  return p256.verify(signature, digest, point, { prehash: false, lowS: false })
}

/** SHA-256 of a message that comes in pieces: `update` with each, then `digest` once. */
export function sha256Stream(): { update: (piece: Uint8Array) => void; digest: () => Uint8Array } {
  const stream = hash.create()
  return { update: (piece) => void stream.update(piece), digest: () => stream.digest() }
}
