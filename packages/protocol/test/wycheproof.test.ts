// Project Wycheproof through both libraries. What the policy of src/crypto refuses is listed by tcId with its reason; every
// other test must end as its file says.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { concat, fromHex, toHex } from '../src/bytes.ts'
import * as noble from '../src/crypto/noble.ts'
import * as node from '../src/crypto/node.ts'
import { signatureOfDer } from '../src/gaen/der.ts'
import { Malformed } from '../src/outcome.ts'
import { isPublicPoint, macIsValid } from '../src/robert/keys.ts'
import { readVectors } from './fixture.ts'

interface File<Test, Group = unknown> {
  readonly numberOfTests: number
  readonly testGroups: readonly (Group & { readonly tests: readonly (Test & { readonly tcId: number })[] })[]
}
type Result = { readonly result: 'valid' | 'invalid' | 'acceptable' }
type Ecdh = Result & { readonly public: string; readonly private: string; readonly shared: string }
type Aead = Result & { readonly [name in 'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag']: string }
type Kdf = Result & {
  readonly ikm: string
  readonly salt: string
  readonly info: string
  readonly size: number
  readonly okm: string
}
type Ecdsa = Result & { readonly msg: string; readonly sig: string }
type Signer = { readonly publicKey: { readonly uncompressed: string } }
type Mac = Result & { readonly key: string; readonly msg: string; readonly tag: string }

const LIBRARIES = [
  ['node', node],
  ['noble', noble],
] as const

/** The numbers of '1-3 7' are 1, 2, 3 and 7. */
function numbersIn(ranges: string): Set<number> {
  const numbers = ranges.split(' ').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number) as [number, number?]
    return Array.from({ length: to - from + 1 }, (_, k) => from + k)
  })
  return new Set(numbers)
}

/** ROBERT §3.3: one form of a point only, so that a public key has one spelling. */
const NOT_UNCOMPRESSED = numbersIn('2 348-355')
/** ROBERT §4: a random IV of 96 bits. */
const NOT_96_BIT_IV = numbersIn('68-90 240-260 263-268 273-286 299-312 315-316')
/** ROBERT §4 uses keys of 256 bits, and of 128 for the federation key; 192 is offered by neither library here. */
const KEY_OF_192_BITS = numbersIn('157-239 261-262 269-272 287-298 313-314')

test('vectors/wycheproof are the files that SHA256SUMS names', () => {
  const folder = new URL('../../../vectors/wycheproof/', import.meta.url)
  const lines = readFileSync(new URL('SHA256SUMS', folder), 'utf8').trim().split('\n')
  for (const line of lines) {
    const [sum, name] = line.split(/\s+/) as [string, string]
    assert.equal(toHex(node.sha256(readFileSync(new URL(name, folder)))), sum, name)
  }
  assert.equal(lines.length, 6)
})

/** Private keys are signed numbers in the file: a leading zero byte, or fewer than 32 bytes. */
const privateKeyOf = (hex: string) => fromHex(hex.padStart(64, '0').slice(-64))

const ECDSA_FILES = [
  ['DER', 'wycheproof/ecdsa_secp256r1_sha256_test.json', 484],
  ['r | s', 'wycheproof/ecdsa_secp256r1_sha256_p1363_test.json', 262],
] as const

/** No bytes for what is no DER: they verify under no key. */
function rawOf(der: Uint8Array): Uint8Array {
  try {
    return signatureOfDer(der)
  } catch (error) {
    assert.ok(error instanceof Malformed)
    return new Uint8Array(0)
  }
}

for (const [name, library] of LIBRARIES) {
  test(`ROBERT §3.3: P-256 key agreement ends as Wycheproof says (${name})`, () => {
    const file = readVectors('wycheproof/ecdh_secp256r1_ecpoint_test.json') as File<Ecdh>
    const tests = file.testGroups.flatMap((group) => group.tests)
    for (const vector of tests) {
      const secret = library.sharedSecret(privateKeyOf(vector.private), fromHex(vector.public))
      const valid = vector.result === 'valid' && !NOT_UNCOMPRESSED.has(vector.tcId)
      assert.equal(secret && toHex(secret), valid ? vector.shared : undefined, `tcId ${vector.tcId}`)
    }
    assert.equal(tests.length, file.numberOfTests)
    assert.equal(tests.length, 355)
  })

  test(`ROBERT §4: AES-GCM ends as Wycheproof says (${name})`, () => {
    const file = readVectors('wycheproof/aes_gcm_test.json') as File<Aead>
    const ran = { agreed: 0, refusedIv: 0, refusedKey: 0 }
    for (const vector of file.testGroups.flatMap((group) => group.tests)) {
      const [key, iv, aad, msg] = [vector.key, vector.iv, vector.aad, vector.msg].map((hex) => fromHex(hex)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ]
      const sealed = concat(fromHex(vector.ct), fromHex(vector.tag))
      const what = `tcId ${vector.tcId}`
      if (NOT_96_BIT_IV.has(vector.tcId)) {
        assert.equal(library.gcmOpen(key, iv, sealed, aad), undefined, what)
        assert.throws(() => library.gcmSeal(key, iv, msg, aad), RangeError, what)
        ran.refusedIv++
      } else if (KEY_OF_192_BITS.has(vector.tcId)) {
        assert.throws(() => library.gcmSeal(key, new Uint8Array(12), msg, aad), RangeError, what)
        assert.throws(() => library.gcmOpen(key, new Uint8Array(12), sealed, aad), RangeError, what)
        ran.refusedKey++
      } else {
        const opened = library.gcmOpen(key, iv, sealed, aad)
        assert.equal(opened && toHex(opened), vector.result === 'valid' ? vector.msg : undefined, what)
        const again = toHex(library.gcmSeal(key, iv, msg, aad))
        assert.equal(again === toHex(sealed), vector.result === 'valid', what)
        ran.agreed++
      }
    }
    assert.deepEqual(ran, { agreed: 133, refusedIv: NOT_96_BIT_IV.size, refusedKey: KEY_OF_192_BITS.size })
    assert.equal(ran.agreed + ran.refusedIv + ran.refusedKey, file.numberOfTests)
  })

  test(`ROBERT §5.1, §7: HMAC-SHA256, whole and truncated, ends as Wycheproof says (${name})`, () => {
    const file = readVectors('wycheproof/hmac_sha256_test.json') as File<Mac, { readonly tagSize: number }>
    let ran = 0
    for (const group of file.testGroups) {
      for (const vector of group.tests) {
        const mac = library.hmacSha256(fromHex(vector.key), fromHex(vector.msg)).subarray(0, group.tagSize / 8)
        assert.equal(library.equalBytes(mac, fromHex(vector.tag)), vector.result === 'valid', `tcId ${vector.tcId}`)
        ran++
      }
    }
    assert.equal(ran, file.numberOfTests)
    assert.equal(ran, 174)
  })

  test(`GAEN key schedule: HKDF-SHA256 ends as Wycheproof says (${name})`, () => {
    const file = readVectors('wycheproof/hkdf_sha256_test.json') as File<Kdf>
    const tests = file.testGroups.flatMap((group) => group.tests)
    for (const { ikm, salt, info, size, okm, result, tcId } of tests) {
      const derive = () => toHex(library.hkdf(fromHex(ikm), fromHex(salt), fromHex(info), size))
      if (result === 'valid') assert.equal(derive(), okm, `tcId ${tcId}`)
      else assert.throws(derive, `tcId ${tcId}: longer than 255 hashes`)
    }
    assert.equal(tests.length, file.numberOfTests)
    assert.equal(tests.length, 86)
  })

  for (const [form, path, count] of ECDSA_FILES) {
    test(`GAEN: ECDSA on P-256, ${form}, ends as Wycheproof says (${name})`, () => {
      const file = readVectors(path) as File<Ecdsa, Signer>
      let ran = 0
      for (const { publicKey, tests } of file.testGroups) {
        const point = fromHex(publicKey.uncompressed)
        for (const { msg, sig, result, tcId } of tests) {
          const message = fromHex(msg)
          const signature = form === 'DER' ? rawOf(fromHex(sig)) : fromHex(sig)
          const whole = library.ecdsaVerify(point, message, signature)
          assert.equal(whole, result === 'valid', `tcId ${tcId}`)
          assert.equal(library.ecdsaVerifyDigest(point, library.sha256(message), signature), whole, `tcId ${tcId}`)
          ran++
        }
      }
      assert.equal(ran, file.numberOfTests)
      assert.equal(ran, count)
    })
  }
}

test('ROBERT §5.1, §7: a MAC is checked whole and truncated as Wycheproof says', () => {
  const file = readVectors('wycheproof/hmac_sha256_test.json') as File<Mac, { readonly tagSize: number }>
  const ran = { 128: 0, 256: 0 }
  for (const { tagSize, tests } of file.testGroups) {
    for (const { key, msg, tag, result, tcId } of tests) {
      assert.equal(tag.length * 4, tagSize)
      assert.equal(macIsValid(fromHex(key), fromHex(msg), fromHex(tag)), result === 'valid', `tcId ${tcId}`)
      ran[tagSize as 128 | 256]++
    }
  }
  assert.deepEqual(ran, { 128: 87, 256: 87 })
})

test('ROBERT §3.3: the points that Wycheproof calls valid are on the curve, the others are not', () => {
  const file = readVectors('wycheproof/ecdh_secp256r1_ecpoint_test.json') as File<Ecdh>
  for (const vector of file.testGroups.flatMap((group) => group.tests)) {
    const expected = vector.result === 'valid' && !NOT_UNCOMPRESSED.has(vector.tcId)
    assert.equal(isPublicPoint(fromHex(vector.public)), expected, `tcId ${vector.tcId}`)
  }
})
