// What every vault does: the interface of `vault/vault.ts`, held against each adapter.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ascii, toHex } from '@vicinity/protocol'
import { drawPrivateKey, ecdsaVerify, publicPoint, sharedSecret } from '@vicinity/protocol/crypto'
import { type Vault, VaultError, type VaultFault } from '../src/vault/vault.ts'
import { randomOf } from './fixture.ts'

export interface VaultPlace {
  /** Opens the vault of this place, as another process would. */
  readonly open: () => Vault
  /** Tries to open it with another passphrase or PIN; undefined where a vault has none. */
  readonly openWrongly?: () => Vault
  /** The secret that opens it, which must be in no error. */
  readonly secret?: string
}

export const faults = (fault: VaultFault) => (error: unknown) => error instanceof VaultError && error.fault === fault

const PEER = drawPrivateKey(randomOf('peer of a vault'))
const HERE = ascii('key-file federation')
const THERE = ascii('key-file challenge')

type Check = (place: VaultPlace, vault: Vault) => void

const uses: Readonly<Record<string, Check>> = {
  'agrees on the secret that the other side computes, with a key made inside': (_, vault) => {
    vault.make('registration', 'agreement')
    const shared = vault.agree('registration', publicPoint(PEER))
    assert.equal(toHex(shared!), toHex(sharedSecret(PEER, vault.publicPoint('registration'))!))
    vault.make('another', 'agreement')
    assert.notDeepEqual(vault.agree('another', publicPoint(PEER)), shared)
  },
  'agrees with no point off the curve, compressed, hybrid or at infinity (T-01, T-02, T-03)': (_, vault) => {
    vault.make('registration', 'agreement')
    const point = publicPoint(PEER)
    const off = Uint8Array.from(point)
    off[64]! ^= 1
    const compressed = Uint8Array.of(2 + (point[64]! & 1), ...point.subarray(1, 33))
    const hybrid = Uint8Array.of(6 + (point[64]! & 1), ...point.subarray(1))
    for (const bad of [off, compressed, hybrid, Uint8Array.of(0), new Uint8Array(65), new Uint8Array(0)])
      assert.equal(vault.agree('registration', bad), undefined)
    assert.equal(vault.agree('registration', point)?.length, 32, 'and agrees afterwards as before')
  },
  'signs what verifies under its public point, for its message only': (_, vault) => {
    vault.make('audit', 'signing')
    const message = ascii('a head of the log')
    const signature = vault.sign('audit', message)
    assert.equal(signature.length, 64)
    assert.ok(ecdsaVerify(vault.publicPoint('audit'), message, signature))
    assert.ok(!ecdsaVerify(vault.publicPoint('audit'), ascii('another head'), signature))
  },
  'unwraps what it wrapped, at its place and unaltered, and nothing else': (_, vault) => {
    vault.make('key-encryption', 'wrapping')
    vault.make('other', 'wrapping')
    for (const length of [1, 16, 32, 1000]) {
      const bytes = randomOf(`bytes ${length}`)(length)
      const wrapped = vault.wrap('key-encryption', HERE, bytes)
      assert.equal(wrapped.length, 12 + length + 16)
      assert.notDeepEqual(vault.wrap('key-encryption', HERE, bytes), wrapped, 'each time with another IV (T-13)')
      assert.deepEqual([...vault.unwrap('key-encryption', HERE, wrapped)], [...bytes])
      assert.throws(() => vault.unwrap('key-encryption', THERE, wrapped), faults('damaged'))
      assert.throws(() => vault.unwrap('other', HERE, wrapped), faults('damaged'))
    }
    const wrapped = vault.wrap('key-encryption', HERE, ascii('secret'))
    for (let bit = 0; bit < 8 * wrapped.length; bit += 5) {
      const turned = Uint8Array.from(wrapped)
      turned[bit >> 3]! ^= 1 << (bit & 7)
      assert.throws(() => vault.unwrap('key-encryption', HERE, turned), faults('damaged'), `bit ${bit}`)
    }
    for (let length = 0; length < wrapped.length; length += 3)
      assert.throws(() => vault.unwrap('key-encryption', HERE, wrapped.subarray(0, length)), faults('damaged'))
    assert.deepEqual([...vault.unwrap('key-encryption', HERE, wrapped)], [...ascii('secret')])
  },
}

const lives: Readonly<Record<string, Check>> = {
  'keeps its keys for whoever opens it next, knows when they were made, and makes no name twice': (place, vault) => {
    vault.make('registration', 'agreement')
    vault.make('key-encryption', 'wrapping')
    const point = vault.publicPoint('registration')
    const wrapped = vault.wrap('key-encryption', HERE, ascii('kept'))
    for (const kind of ['agreement', 'signing', 'wrapping'] as const)
      assert.throws(() => vault.make('registration', kind), faults('refused'))
    const again = place.open()
    assert.deepEqual([...again.names()].sort(), ['key-encryption', 'registration'])
    assert.deepEqual(again.publicPoint('registration'), point)
    assert.deepEqual([...again.unwrap('key-encryption', HERE, wrapped)], [...ascii('kept')])
    assert.equal(again.madeAt('registration'), NOW)
    assert.equal(again.madeAt('none'), undefined)
  },
  'without its key, with a wrong secret and after it was closed it does nothing, and says why': (place, vault) => {
    for (const use of [
      () => vault.agree('none', publicPoint(PEER)),
      () => vault.sign('none', HERE),
      () => vault.wrap('none', HERE, HERE),
      () => vault.unwrap('none', HERE, new Uint8Array(40)),
      () => vault.publicPoint('none'),
    ])
      assert.throws(use, faults('absent'))
    vault.make('registration', 'agreement')
    const { openWrongly, secret } = place
    if (openWrongly !== undefined && secret !== undefined) {
      assert.throws(
        () => openWrongly().names(),
        (error: Error) => faults('locked')(error) && !`${error.stack} ${JSON.stringify(error)}`.includes(secret),
      )
    }
    const closed = place.open()
    closed.close()
    assert.throws(() => closed.agree('registration', publicPoint(PEER)), faults('locked'))
    assert.throws(() => closed.make('later', 'signing'), faults('locked'))
    assert.throws(() => closed.names(), faults('locked'))
  },
  'a key that was taken in does what it did outside': (_, vault) => {
    const secret = drawPrivateKey(randomOf('adopted'))
    for (const kind of ['agreement', 'signing', 'wrapping'] as const) vault.adopt(`adopted-${kind}`, kind, secret)
    assert.throws(() => vault.adopt('adopted-signing', 'signing', secret), faults('refused'))
    assert.deepEqual([...vault.publicPoint('adopted-agreement')], [...publicPoint(secret)])
    assert.deepEqual(
      [...vault.agree('adopted-agreement', publicPoint(PEER))!],
      [...sharedSecret(secret, publicPoint(PEER))!],
    )
    const message = ascii('a message')
    assert.ok(ecdsaVerify(publicPoint(secret), message, vault.sign('adopted-signing', message)))
    const wrapped = vault.wrap('adopted-wrapping', HERE, message)
    assert.deepEqual([...vault.unwrap('adopted-wrapping', HERE, wrapped)], [...message])
  },
  'a destroyed key does nothing any more, for nobody, and its name is free': (place, vault) => {
    vault.make('registration', 'agreement')
    vault.make('key-encryption', 'wrapping')
    const point = vault.publicPoint('registration')
    const wrapped = vault.wrap('key-encryption', HERE, ascii('gone'))
    for (const name of ['registration', 'key-encryption', 'never-made']) vault.destroy(name)
    for (const one of [vault, place.open()]) {
      assert.deepEqual(one.names(), [])
      assert.throws(() => one.agree('registration', publicPoint(PEER)), faults('absent'))
      assert.throws(() => one.publicPoint('registration'), faults('absent'))
      assert.throws(() => one.unwrap('key-encryption', HERE, wrapped), faults('absent'))
    }
    vault.make('registration', 'agreement')
    vault.make('key-encryption', 'wrapping')
    assert.notDeepEqual(vault.publicPoint('registration'), point)
    assert.throws(() => vault.unwrap('key-encryption', HERE, wrapped), faults('damaged'))
  },
}

/** Adds the tests of the contract. `place` makes a new empty vault; `without` says why there is none. */
export function vaultContract(
  engine: string,
  place: (t: TestContext) => VaultPlace,
  without: string | false = false,
): void {
  const skip = without
  for (const [title, check] of Object.entries({ ...uses, ...lives }))
    test(`${engine}: ${title}`, { skip }, (t) => {
      const made = place(t)
      const vault = made.open()
      t.after(vault.close)
      check(made, vault)
    })
}

/** What the clock of the vaults says. */
export const NOW = 1_774_000_000
