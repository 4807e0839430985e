import { concat, type Random, type UtcDay } from '@vicinity/protocol'
import { gcmSeal } from '@vicinity/protocol/crypto'
import { eraseServerKey, type PermanentId, type ServerKey, SIZE, serverKeyOf } from '@vicinity/protocol/robert'
import { plainVault } from '../vault/software.ts'
import type { Vault } from '../vault/vault.ts'
import { generationOf, keyInGeneration } from './generation.ts'
import type { KeyFiles } from './key-files.ts'
import { type DataKey, openSealed, openUserKey, sealUserKey, type UserKey } from './sealed.ts'

const SERVER = /^server-key-(\d+)$/
const INTAKE = /^intake-(\d+)$/
const DATA = /^vault(?:-(\d+))?$/

/** The file of a data key: the first version has no number. */
export const nameOfData = (version: number): string => (version === 1 ? 'vault' : `vault-${version}`)

/** Versions of the data keys, ascending. */
export const versionsOf = (files: KeyFiles): readonly number[] =>
  files
    .names()
    .filter((name) => DATA.test(name))
    .map((name) => Number(DATA.exec(name)?.[1] ?? 1))
    .sort((one, other) => one - other)

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
  readonly #vault: Vault
  readonly #dataKeys = new Map<number, Uint8Array>()
  /** pk_S, the uncompressed point that every phone is built with (ROBERT §3.1); the vault has the other half. */
  readonly publicKey: Uint8Array
  /** K_G, 32 bytes; shared with the countries of the federation. */
  readonly federationKey: Uint8Array
  /** How often the database was restored: the keys of issuer, challenges and resets are those of a generation. */
  readonly generation: number
  readonly issuerKey: Uint8Array
  readonly replyKey: Uint8Array
  readonly challengeKey: Uint8Array
  /** Draws the false alarms of appendix A. */
  readonly drawKey: Uint8Array
  /** Issues and verifies the tokens of negative tests. */
  readonly resetKey: Uint8Array

  constructor(files: KeyFiles, random: Random, vault: Vault = plainVault(files, random)) {
    this.#vault = vault
    this.#files = files
    this.#random = random
    this.publicKey = vault.publicPoint('registration')
    this.federationKey = this.#setUp('federation', () => random(SIZE.key))
    if (!files.names().some((name) => DATA.test(name))) this.#setUp(nameOfData(1), () => random(SIZE.key))
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

  /** Key agreement with sk_S: 32 bytes; undefined when `point` is no uncompressed point on P-256. */
  agree(point: Uint8Array): Uint8Array | undefined {
    return this.#vault.agree('registration', point)
  }

  /** The data key that seals the keys of new users. */
  get dataKey(): DataKey {
    const version = Math.max(...this.#dataKeys.keys())
    return { version, key: this.#dataKeys.get(version)! }
  }

  /** Versions of the data keys, ascending. */
  get dataVersions(): readonly number[] {
    return [...this.#dataKeys.keys()].sort((one, other) => one - other)
  }

  /** Unix seconds when the newest data key was made; undefined where that is not known. */
  get dataKeyMade(): number | undefined {
    return this.#files.madeAt(nameOfData(this.dataKey.version))
  }

  destroyOldDataKeys(): void {
    const { version: newest } = this.dataKey
    for (const version of this.dataVersions) if (version !== newest) this.#files.remove(nameOfData(version))
    this.#learnDataKeys()
  }

  /** Copies of all data keys, in the form of the jobs of a crew (crew/work.ts). */
  userSecrets(): { readonly secrets: Uint8Array; readonly versions: readonly number[] } {
    return { secrets: concat(...this.#dataKeys.values()), versions: [...this.#dataKeys.keys()] }
  }

  /** Seals a key of a user for the store, bound to the user and to which key it is. */
  readonly sealUserKey = (which: UserKey, id: PermanentId, key: Uint8Array): Uint8Array =>
    sealUserKey(this.dataKey, which, id, key, this.#random)

  /** Throws when the bytes were not sealed for this place under a data key that there is. */
  readonly openUserKey = (which: UserKey, id: PermanentId, sealed: Uint8Array): Uint8Array => {
    // Another process may seal under a version that was made a moment ago.
    if (!this.#dataKeys.has(sealed[0] ?? 0)) this.#learnDataKeys()
    return orThrow(openUserKey((version) => this.#dataKeys.get(version), which, id, sealed))
  }

  #learnDataKeys(): void {
    const versions = new Set(versionsOf(this.#files))
    for (const [version, key] of this.#dataKeys) {
      if (versions.has(version)) continue
      key.fill(0)
      this.#dataKeys.delete(version)
    }
    for (const version of versions) {
      const name = nameOfData(version)
      const key = this.#dataKeys.has(version) ? undefined : this.#files.read(name)
      if (key === undefined) continue
      if (key.length !== SIZE.key) throw new Error(`the key ${name} is damaged`)
      this.#dataKeys.set(version, Uint8Array.from(key))
    }
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
    this.#learnDataKeys()
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
    return orThrow(openSealed(key, place, sealed))
  }
}

function orThrow(opened: Uint8Array | undefined): Uint8Array {
  if (opened === undefined)
    throw new Error('a sealed value of the store does not open: wrong keys, or the row was altered')
  return opened
}
