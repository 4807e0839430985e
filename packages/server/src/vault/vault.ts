// The keys that are used where they lie: what holds a vault asks it to compute, and never sees them.
//
// Synchronous, because the C interface of tokens blocks, and because a key has to exist, wrapped and durable, before the line of code
// after it runs. A registration waits for one key agreement; everything else asks a vault at starts, rotations and signatures only.

/** What a key of a vault does: one thing only, so that no operation can be turned against another. */
export type VaultKeyKind = 'agreement' | 'signing' | 'wrapping'

export interface Vault {
  /** Makes a key that never leaves the vault. Throws `refused` where the name is taken. */
  readonly make: (name: string, kind: VaultKeyKind) => void
  /** Takes in a key of 32 bytes that lay outside before. Throws `refused` where the name is taken. */
  readonly adopt: (name: string, kind: VaultKeyKind, secret: Uint8Array) => void
  readonly names: () => readonly string[]
  /** Unix seconds when a key was made or taken in; undefined where that is not known. */
  readonly madeAt: (name: string) => number | undefined
  /** The uncompressed point on P-256 of an agreement or signing key, 65 bytes. */
  readonly publicPoint: (name: string) => Uint8Array
  /** The x-coordinate of the shared point, 32 bytes; undefined when `point` is no uncompressed point on P-256. */
  readonly agree: (name: string, point: Uint8Array) => Uint8Array | undefined
  /** ECDSA with SHA-256 on P-256: r | s, 64 bytes. Two signatures of one message need not be equal. */
  readonly sign: (name: string, message: Uint8Array) => Uint8Array
  /** AES-256-GCM of one byte or more: IV 12 | ciphertext | tag 16. `place` is bound to it. */
  readonly wrap: (name: string, place: Uint8Array, bytes: Uint8Array) => Uint8Array
  /** Throws `damaged` when the bytes were not wrapped under this key for this place. */
  readonly unwrap: (name: string, place: Uint8Array, wrapped: Uint8Array) => Uint8Array
  /** The key is gone when this returns; nothing happens where there is none. */
  readonly destroy: (name: string) => void
  /** Forgets the secret that opened the vault; every call after it throws `locked`. */
  readonly close: () => void
}

/**
 * `locked`: the passphrase or PIN is wrong, or was forgotten. `absent`: no file, module, token or key of the name. `damaged`: what
 * lies there is not what was put there. `refused`: the caller asked for what is not allowed. `failed`: the token did not answer well.
 */
export type VaultFault = 'locked' | 'absent' | 'damaged' | 'refused' | 'failed'

/** A vault cannot do what it was asked. Its text names keys and codes of the interface, never a secret. Answered with 503. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly fault: VaultFault
  constructor(fault: VaultFault, message: string) {
    super(message)
    this.fault = fault
  }
}
