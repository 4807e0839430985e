// The two libraries behind #crypto: servers run node.ts, phones and browsers noble.ts, and nobody may be able to tell.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, fromHex, toHex } from '../src/bytes.ts'
import * as noble from '../src/crypto/noble.ts'
import * as node from '../src/crypto/node.ts'
import { isPublicPoint } from '../src/robert/keys.ts'
import { holds, randomOf } from './fixture.ts'

const LIBRARIES = [
  ['node', node],
  ['noble', noble],
] as const

const some = (least = 0, most = 200) => fc.uint8Array({ minLength: least, maxLength: most })
const aesKey = fc.oneof(some(16, 16), some(32, 32))
const WRONG_KEY_LENGTHS = [0, 15, 17, 24, 31, 33, 64]

test('both libraries export the same names', () => {
  assert.deepEqual(Object.keys(node).sort(), Object.keys(noble).sort())
  assert.ok(Object.keys(node).length >= 9)
})

test('SHA-256 and HMAC-SHA256 agree', () => {
  holds(
    fc.property(some(), some(), (key, message) => {
      assert.equal(toHex(node.sha256(message)), toHex(noble.sha256(message)))
      assert.equal(toHex(node.hmacSha256(key, message)), toHex(noble.hmacSha256(key, message)))
    }),
  )
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  for (const [, library] of LIBRARIES) assert.equal(toHex(library.sha256(new Uint8Array(0))), empty)
})

test('AES over whole blocks agrees, for keys of 16 and 32 bytes and however the blocks are grouped', () => {
  holds(
    fc.property(aesKey, fc.array(fc.nat(7), { maxLength: 5 }), (key, counts) => {
      const groups = counts.map((count) => randomOf(`${count}`)(16 * count))
      const whole = toHex(node.aesBlocks(key)(concat(...groups)))
      for (const [, library] of LIBRARIES) {
        const encrypt = library.aesBlocks(key)
        assert.equal(toHex(concat(...groups.map((group) => encrypt(group)))), whole)
      }
    }),
  )
})

test('AES of FIPS 197 appendix C: keys of 128 and 256 bits', () => {
  const block = fromHex('00112233445566778899aabbccddeeff')
  for (const [name, library] of LIBRARIES) {
    const key = (length: number) => Uint8Array.from({ length }, (_, i) => i)
    assert.equal(toHex(library.aesBlocks(key(16))(block)), '69c4e0d86a7b0430d8cdb78070b4c55a', name)
    assert.equal(toHex(library.aesBlocks(key(32))(block)), '8ea2b7ca516745bfeafc49904b496089', name)
  }
})

test('AES-GCM agrees with and without associated data, and each library opens what the other sealed', () => {
  holds(
    fc.property(aesKey, some(12, 12), some(), fc.option(some(), { nil: undefined }), (key, iv, plaintext, aad) => {
      const sealed = node.gcmSeal(key, iv, plaintext, aad)
      assert.equal(toHex(noble.gcmSeal(key, iv, plaintext, aad)), toHex(sealed))
      assert.equal(sealed.length, plaintext.length + 16)
      for (const [, library] of LIBRARIES) {
        assert.equal(toHex(library.gcmOpen(key, iv, sealed, aad)!), toHex(plaintext))
      }
    }),
  )
})

test('AES-GCM: a turned bit of the key, IV, ciphertext, tag or associated data opens nothing', () => {
  holds(
    fc.property(aesKey, some(12, 12), some(), some(1), fc.nat(), (key, iv, plaintext, aad, place) => {
      const sealed = node.gcmSeal(key, iv, plaintext, aad)
      for (const [, library] of LIBRARIES) {
        assert.equal(library.gcmOpen(turned(key, place), iv, sealed, aad), undefined)
        assert.equal(library.gcmOpen(key, turned(iv, place), sealed, aad), undefined)
        assert.equal(library.gcmOpen(key, iv, turned(sealed, place), aad), undefined)
        assert.equal(library.gcmOpen(key, iv, sealed, turned(aad, place)), undefined)
        assert.equal(library.gcmOpen(key, iv, sealed), undefined)
      }
    }),
  )
})

function turned(bytes: Uint8Array, place: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const bit = place % (8 * copy.length)
  copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7))
  return copy
}

for (const [name, library] of LIBRARIES) {
  test(`AES-GCM has an IV of 12 bytes and a tag of 16, no other (${name})`, () => {
    const key = new Uint8Array(32)
    const sealed = library.gcmSeal(key, new Uint8Array(12), fromHex('aabbcc'))
    for (const length of [0, 1, 8, 11, 13, 16]) {
      assert.throws(() => library.gcmSeal(key, new Uint8Array(length), sealed), RangeError)
      assert.equal(library.gcmOpen(key, new Uint8Array(length), sealed), undefined, `IV of ${length}`)
    }
    for (let cut = 0; cut < sealed.length; cut++) {
      assert.equal(library.gcmOpen(key, new Uint8Array(12), sealed.subarray(0, cut)), undefined, `${cut} bytes`)
    }
    assert.equal(library.gcmOpen(key, new Uint8Array(12), concat(sealed, new Uint8Array(1))), undefined)
  })

  test(`an AES key of another length than 16 and 32 bytes is a broken promise of our own (${name})`, () => {
    for (const length of WRONG_KEY_LENGTHS) {
      const key = new Uint8Array(length)
      assert.throws(() => library.aesBlocks(key), RangeError)
      assert.throws(() => library.gcmSeal(key, new Uint8Array(12), key), RangeError)
      assert.throws(() => library.gcmOpen(key, new Uint8Array(12), new Uint8Array(40)), RangeError)
    }
  })

  test(`equalBytes compares content and length (${name})`, () => {
    holds(
      fc.property(some(0, 12), some(0, 12), (a, b) => {
        assert.equal(library.equalBytes(a, b), toHex(a) === toHex(b))
        assert.ok(library.equalBytes(a, Uint8Array.from(a)))
      }),
    )
  })

  test(`ROBERT §3.3: private keys out of range are drawn again (${name})`, () => {
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
    const last = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550'
    const draws = ['ff'.repeat(32), '00'.repeat(32), order, last, '01'.repeat(32)]
    assert.equal(toHex(library.drawPrivateKey(() => fromHex(draws.shift()!))), last)
    assert.deepEqual(draws, ['01'.repeat(32)])
  })

  test(`ROBERT §3.3: a private key out of range of our own is no refused point (${name})`, () => {
    const point = library.publicPoint(new Uint8Array(32).fill(1))
    for (const key of ['00'.repeat(32), 'ff'.repeat(32), '01'.repeat(33)]) {
      assert.throws(() => library.publicPoint(fromHex(key)))
      assert.throws(() => library.sharedSecret(fromHex(key), point))
    }
  })
}

test('ROBERT §3.3: the same draws give the same key pairs and shared secrets, on both sides', () => {
  holds(
    fc.property(fc.string(), (name) => {
      const [phone, server] = LIBRARIES.map(([, library]) => {
        const random = randomOf(name)
        return [library.drawPrivateKey(random), library.drawPrivateKey(random)].map(toHex)
      })
      assert.deepEqual(phone, server)
      const [mine, theirs] = phone!.map((hex) => fromHex(hex)) as [Uint8Array, Uint8Array]
      const points = LIBRARIES.map(([, library]) => toHex(library.publicPoint(theirs)))
      assert.equal(points[0], points[1])
      const secrets = LIBRARIES.flatMap(([, library]) => [
        toHex(library.sharedSecret(mine, fromHex(points[0]!))!),
        toHex(library.sharedSecret(theirs, library.publicPoint(mine))!),
      ])
      assert.deepEqual([...new Set(secrets)], [secrets[0]])
      assert.equal(secrets[0]!.length, 64)
    }),
    12,
  )
})

/** Whether nobody takes the bytes for a public key. */
const isRefused = (point: Uint8Array) =>
  [node, noble].every((library) => library.sharedSecret(new Uint8Array(32).fill(5), point) === undefined) &&
  !isPublicPoint(point)

test('ROBERT §3.3: only the first byte 04 marks an uncompressed point; 255 others are refused', () => {
  const point = node.publicPoint(new Uint8Array(32).fill(9))
  assert.ok(isPublicPoint(point))
  const refused = Array.from({ length: 256 }, (_, first) => first).filter((first) =>
    isRefused(concat(Uint8Array.of(first), point.subarray(1))),
  )
  assert.deepEqual(
    refused,
    [...Array(256).keys()].filter((first) => first !== 4),
  )
})

test('ROBERT §3.3: compressed and hybrid forms of a good point are refused', () => {
  const point = node.publicPoint(new Uint8Array(32).fill(9))
  const odd = point[64]! & 1
  assert.ok(isRefused(concat(Uint8Array.of(2 + odd), point.subarray(1, 33))))
  assert.ok(isRefused(concat(Uint8Array.of(6 + odd), point.subarray(1))))
})

test('ROBERT §3.3: infinity, the origin, wrong lengths and coordinates beyond the field are refused', () => {
  const point = node.publicPoint(new Uint8Array(32).fill(9))
  const field = fromHex('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
  // (0, sqrt b) is on the curve; with p in place of 0 it is the same point spelled otherwise.
  const root = fromHex('66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4')
  assert.ok(isPublicPoint(concat(Uint8Array.of(4), new Uint8Array(32), root)))
  assert.ok(isRefused(concat(Uint8Array.of(4), field, root)))
  assert.ok(isRefused(Uint8Array.of(0)))
  assert.ok(isRefused(concat(Uint8Array.of(4), new Uint8Array(64))))
  for (const length of [0, 1, 33, 64]) assert.ok(isRefused(point.subarray(0, length)), `${length} bytes`)
  assert.ok(isRefused(concat(point, new Uint8Array(1))))
  assert.ok(isRefused(concat(Uint8Array.of(4), point.subarray(1, 33), field)))
})

test('ROBERT §3.3: a point that is not on the curve is refused, whichever bit made it so', () => {
  const point = node.publicPoint(new Uint8Array(32).fill(9))
  for (let bit = 0; bit < 512; bit++) {
    const off = turned(point.subarray(1), bit)
    assert.ok(isRefused(concat(Uint8Array.of(4), off)), `bit ${bit}`)
  }
})
