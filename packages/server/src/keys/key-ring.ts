import { concat, type Random, type UtcDay } from '@vicinity/protocol'
import { drawPrivateKey, gcmSeal, publicPoint } from '@vicinity/protocol/crypto'
import { eraseServerKey, type ServerKey, SIZE, serverKeyOf } from '@vicinity/protocol/robert'
import { generationOf, keyInGeneration } from './generation.ts'
import type { KeyFiles } from './key-files.ts'
import { openSealed } from './sealed.ts'

const SERVER = /^server-key-(\d+)$/
const INTAKE = /^intake-(\d+)$/

/** K_S of a day: ready for use, and as it goes to threads that make it ready for themselves. */
interface HeldServerKey {
  readonly key: ServerKey
  readonly bytes: Uint8Array
}

// A copy of the bytes, because they are overwritten one day and key files may hand out their own.
const held = (bytes: Uint8Array): HeldServerKey => ({ key: serverKeyOf(bytes), bytes: Uint8Array.from(bytes) })

/** Keys of a back-end. Those of the set-up are made once; server keys live by the day, intake keys by the window. */
export class KeyRing {
  readonly #files: KeyFiles
  readonly #random: Random
  readonly #serverKeys = new Map<number, HeldServerKey>()
  readonly #intakeKeys = new Map<number, Uint8Array>()
  /** sk_S, the private half of the registration key pair (ROBERT §3.1). */
  readonly registrationKey: Uint8Array
  /** K_G, 32 bytes; shared with the countries of the federation. */
  readonly federationKey: Uint8Array
  /** Seals user keys in the store. */
  readonly vaultKey: Uint8Array
  /** How often the database was restored: the keys of issuer, challenges and resets are those of a generation. */
  readonly generation: number
  readonly issuerKey: Uint8Array
  readonly replyKey: Uint8Array
  readonly challengeKey: Uint8Array
  /** Draws the false alarms of appendix A. */
  readonly drawKey: Uint8Array
  /** Issues and verifies the tokens of negative tests. */
  readonly resetKey: Uint8Array

  constructor(files: KeyFiles, random: Random) {
    this.#files = files
    this.#random = random
    this.registrationKey = this.#setUp('registration', () => drawPrivateKey(random))
    this.federationKey = this.#setUp('federation', () => random(SIZE.key))
    this.vaultKey = this.#setUp('vault', () => random(SIZE.key))
    this.generation = generationOf(files)
    const ofGeneration = (name: string) =>
      keyInGeneration(
        this.#setUp(name, () => random(SIZE.key)),
        this.generation,
      )
    this.issuerKey = ofGeneration('issuer')
    this.replyKey = this.#setUp('reply', () => random(SIZE.key))
    this.challengeKey = ofGeneration('challenge')
    this.drawKey = this.#setUp('draw', () => random(SIZE.key))
    this.resetKey = ofGeneration('reset')
    this.learn()
  }

  #setUp(name: string, make: () => Uint8Array): Uint8Array {
    const key = this.#kept(name, make)
    // HMAC takes keys of any length: a file that lost its bytes would pass for a key that everybody knows.
    if (key.length !== SIZE.key) throw new Error(`the key ${name} is damaged`)
    return key
  }

  /** The key of a name, made where there is none. Another process of this back-end may have made it a moment ago. */
  #kept(name: string, make: () => Uint8Array): Uint8Array {
    return this.#files.read(name) ?? this.#files.create(name, make())
  }

  *#stored(pattern: RegExp, known: ReadonlyMap<number, unknown>): Generator<[number, Uint8Array]> {
    for (const name of this.#files.names()) {
      const number = pattern.exec(name)?.[1]
      const bytes = number === undefined || known.has(Number(number)) ? undefined : this.#files.read(name)
      if (bytes !== undefined) yield [Number(number), bytes]
    }
  }

  /** pk_S, the uncompressed point that every phone is built with. */
  get publicKey(): Uint8Array {
    return publicPoint(this.registrationKey)
  }

  /** K_S of a UTC day. */
  readonly serverKeyOf = (day: UtcDay): ServerKey | undefined => this.#serverKeys.get(day)?.key

  /** Copies of all keys that a batch of items may need, in the form of its jobs, and the days of the server keys (crew/work.ts). */
  contactSecrets(intakeKey: Uint8Array): { readonly secrets: Uint8Array; readonly days: readonly number[] } {
    const serverKeys = [...this.#serverKeys.values()].map(({ bytes }) => bytes)
    return {
      secrets: concat(intakeKey, this.federationKey, ...serverKeys),
      days: [...this.#serverKeys.keys()],
    }
  }

  /** Makes what is missing of the server keys of `from` to `last` and destroys those before `first`. */
  keepServerKeys(first: number, last: number, from: number): void {
    for (const day of this.#serverKeys.keys()) {
      if (day >= first) continue
      this.#files.remove(`server-key-${day}`)
      this.#forgetServerKey(day)
    }
    for (let day = from; day <= last; day++) {
      if (this.#serverKeys.has(day)) continue
      const bytes = this.#kept(`server-key-${day}`, () => this.#random(SIZE.serverKey))
      this.#serverKeys.set(day, held(bytes))
    }
  }

  #forgetServerKey(day: number): void {
    const gone = this.#serverKeys.get(day)
    if (gone === undefined) return
    eraseServerKey(gone.key)
    gone.bytes.fill(0)
    this.#serverKeys.delete(day)
  }

  #forgetIntakeKey(window: number): void {
    this.#intakeKeys.get(window)?.fill(0)
    this.#intakeKeys.delete(window)
  }

  /** Takes up the keys that another process of this back-end has made since, and erases those that it destroyed. */
  learn(): void {
    const names = new Set(this.#files.names())
    for (const day of this.#serverKeys.keys()) if (!names.has(`server-key-${day}`)) this.#forgetServerKey(day)
    for (const window of this.#intakeKeys.keys()) if (!names.has(`intake-${window}`)) this.#forgetIntakeKey(window)
    for (const [day, bytes] of this.#stored(SERVER, this.#serverKeys)) this.#serverKeys.set(day, held(bytes))
    for (const [window, bytes] of this.#stored(INTAKE, this.#intakeKeys)) this.#intakeKeys.set(window, bytes)
  }

  /** The key under which the items of one pool window lie in the queue; made when the window gets its first item. */
  intakeKey(window: number): Uint8Array {
    const known = this.#intakeKeys.get(window)
    if (known !== undefined) return known
    const kept = this.#kept(`intake-${window}`, () => this.#random(SIZE.key))
    this.#intakeKeys.set(window, kept)
    return kept
  }

  /** The key of a window whose items are to be read. Throws when it is gone: the items stay in the queue. */
  knownIntakeKey(window: number): Uint8Array {
    const key = this.#intakeKeys.get(window) ?? this.#files.read(`intake-${window}`)
    if (key === undefined) throw new Error('an intake key is missing: the key directory is not the one of this store')
    this.#intakeKeys.set(window, key)
    return key
  }

  /** Whether the items of a window can be read. */
  hasIntakeKey(window: number): boolean {
    return this.#intakeKeys.has(window) || this.#files.names().includes(`intake-${window}`)
  }

  intakeWindows(): readonly number[] {
    return [...this.#intakeKeys.keys()]
  }

  destroyIntakeKey(window: number): void {
    this.#files.remove(`intake-${window}`)
    this.#forgetIntakeKey(window)
  }

  /** Seals bytes for the store: IV 12 | ciphertext | tag 16. `place` binds them to where they lie. */
  seal(key: Uint8Array, place: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const iv = this.#random(SIZE.iv)
    return Buffer.concat([iv, gcmSeal(key, iv, plaintext, place)])
  }

  /** Throws when the bytes were not sealed under this key for this place. */
  open(key: Uint8Array, place: Uint8Array, sealed: Uint8Array): Uint8Array {
    const plaintext = openSealed(key, place, sealed)
    if (plaintext === undefined)
      throw new Error('a sealed value of the store does not open: wrong keys, or the row was altered')
    return plaintext
  }
}
