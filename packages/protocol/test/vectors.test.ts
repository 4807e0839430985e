// vectors/robert.json: the label `seed` there means the text of the specification (profile SPEC), `tac` what France deployed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ascii, concat, fromHex, toHex } from '../src/bytes.ts'
import { aesBlocks, gcmSeal, hmacSha256, publicPoint, sharedSecret } from '../src/crypto/node.ts'
import { skinnyDecrypt, skinnyEncrypt, skinnyKey } from '../src/kernels/skinny.ts'
import { roundTweakeys } from '../src/kernels/skinny-tables.ts'
import { CODE, SIZE } from '../src/robert/constants.ts'
import { epochOfBlock, federationCipher, idOfBlock, makeEbids, openEbids, serverKeyOf } from '../src/robert/ebid.ts'
import { buildHello, helloMacIsValid, parseHello, timeIsClose } from '../src/robert/hello.ts'
import { agreeKeys, macIsValid } from '../src/robert/keys.ts'
import { openFrom, packList } from '../src/robert/list.ts'
import { type Profile, SPEC, TAC, withinTolerance } from '../src/robert/profile.ts'
import { buildRequest } from '../src/robert/request.ts'
import {
  DAY_SECONDS,
  distance16,
  type Epoch,
  epochAt,
  NTP_MINUS_UNIX,
  type NtpSeconds,
  ntpOf,
  time16,
  time32,
  type UnixSeconds,
  unixOf,
} from '../src/time.ts'
import { readVectors, unix } from './fixture.ts'

type Derived = { readonly kAuthInfo: string; readonly kAuth: string; readonly kEncInfo: string; readonly kEnc: string }
type Optional<Name extends string, Value = string> = { readonly [name in Name]?: Value }
type Named<Name extends string, Value = string> = { readonly [name in Name]: Value }

interface Vectors {
  readonly constants: Named<'tacServiceStartUtc' | 'tacCountryCodeHex'> &
    Named<'ntpMinusUnixSeconds' | 'tacEpochSeconds' | 'tacEpochsPerDay' | 'tacServiceStartNtp', number> &
    Named<'macPrefix', Record<string, string>>
  readonly skinny: Named<'roundConstants'> &
    Named<
      'vectors',
      readonly (Named<'name' | 'key' | 'plaintext' | 'ciphertext'> &
        Named<'rounds', number> &
        Optional<'roundTweakeyNibbles', Record<string, string>>)[]
    >
  readonly ebid: readonly (Named<'name' | 'ebid'> &
    Optional<'ks' | 'kg' | 'id' | 'plaintext' | 'countryCode' | 'ecc' | 'aesBlock'> &
    Optional<'epoch', number>)[]
  readonly keyAgreement: readonly (Named<'name' | 'clientPrivate' | 'serverPublicSpki' | 'sharedSecret'> &
    Optional<'serverPrivate' | 'clientPublicPoint' | 'serverPublicPoint' | 'clientPublicSpki'> &
    Optional<'seed' | 'tac', Derived> &
    Optional<'derived', readonly Named<'info' | 'key'>[]>)[]
  readonly hello: readonly (Named<'name' | 'kAuth' | 'ecc' | 'ebid' | 'time16' | 'mac' | 'hello'> &
    Named<'ntpSeconds', number> &
    Optional<'ks' | 'kg' | 'countryCode' | 'id'> &
    Optional<'epoch' | 'serviceStartNtp' | 'unixMillis', number>)[]
  readonly authRequest: readonly (Named<'name' | 'layout' | 'prefix' | 'kAuth' | 'ebid' | 'macInput' | 'mac'> &
    Named<'epoch' | 'ntpSeconds', number>)[]
  readonly tuples: readonly Named<'name' | 'kEnc' | 'iv' | 'plaintextUtf8' | 'blob' | 'base64'>[]
  readonly sizes: Named<'packed9ByteTuples384', number>
  readonly time: readonly (Named<'ntpSeconds', number> &
    Optional<'utc' | 'serviceStartUtc' | 'time32'> &
    Optional<'unixMillis' | 'epoch' | 'time16', number>)[]
  readonly tolerance16: readonly (Named<'a' | 'b' | 'delta', number> &
    Named<'circularInclusive' | 'circularStrict' | 'tac', boolean>)[]
}

const vectors = readVectors('robert.json') as Vectors
const hex = (text: string | undefined) => fromHex(text ?? assert.fail('the vector lacks a field'))
const number = (text: string | undefined) => Number.parseInt(toHex(hex(text)), 16)

test('ROBERT §2.2, §5.1, appendix C: the constants of the deployed system', () => {
  const { constants } = vectors
  assert.equal(NTP_MINUS_UNIX, constants.ntpMinusUnixSeconds)
  assert.equal(ntpOf(unix(constants.tacServiceStartUtc)), constants.tacServiceStartNtp)
  assert.equal(DAY_SECONDS / constants.tacEpochSeconds, constants.tacEpochsPerDay)
  const prefixes = Object.entries(constants.macPrefix)
  assert.deepEqual(
    prefixes.map(([name]) => [name, CODE[name as keyof typeof CODE]]),
    prefixes.map(([name, prefix]) => [name, number(prefix)]),
  )
  assert.equal(prefixes.length, 4)
})

test('ROBERT §4: SKINNY-64/64, 64/128 and 64/192 encrypt and decrypt the published blocks', () => {
  for (const vector of vectors.skinny.vectors) {
    const key = skinnyKey(hex(vector.key))
    const block = hex(vector.plaintext)
    skinnyEncrypt(key, block)
    assert.equal(toHex(block), vector.ciphertext, vector.name)
    skinnyDecrypt(key, block)
    assert.equal(toHex(block), vector.plaintext, vector.name)
    assert.equal(roundTweakeys(hex(vector.key)).length, vector.rounds, vector.name)
  }
  assert.equal(vectors.skinny.vectors.length, 4)
})

test('ROBERT §4: the round constants of SKINNY are folded into the round keys of a key of zeros', () => {
  // Tweakeys of zeros stay zeros, so only the constants are left: low nibble in row 0, the two high bits in row 1.
  const rounds = roundTweakeys(new Uint8Array(24))
  const constants = Uint8Array.from(rounds, (rows) => (rows >>> 28) | ((rows >>> 12) << 4))
  assert.equal(toHex(constants), vectors.skinny.roundConstants)
})

test('ROBERT §4: the traced round tweakeys of SKINNY-64/192', () => {
  const traced = vectors.skinny.vectors.filter((v) => v.roundTweakeyNibbles !== undefined)
  const constants = roundTweakeys(new Uint8Array(24))
  const ran = traced.flatMap((vector) => {
    const rounds = roundTweakeys(hex(vector.key))
    return Object.entries(vector.roundTweakeyNibbles ?? {}).map(([round, nibbles]) => {
      const rows = (rounds[Number(round) - 1]! ^ constants[Number(round) - 1]!) >>> 0
      assert.equal(rows.toString(16).padStart(8, '0'), nibbles, `round ${round}`)
      return round
    })
  })
  assert.deepEqual(ran, ['1', '2', '3', '40'])
})

test('ROBERT §4: EBID = ENC(K_S, i | ID) and back', () => {
  let ran = 0
  for (const vector of vectors.ebid.filter((v) => v.ks !== undefined && v.epoch !== undefined)) {
    const key = serverKeyOf(hex(vector.ks))
    const blocks = hex(vector.ebid)
    openEbids(key, blocks)
    assert.equal(toHex(blocks), vector.plaintext, vector.name)
    assert.equal(epochOfBlock(blocks, 0), vector.epoch, vector.name)
    assert.equal(idOfBlock(blocks, 0), number(vector.id), vector.name)
    assert.equal(toHex(makeEbids(key, number(vector.id), vector.epoch as Epoch, 1)), vector.ebid, vector.name)
    ran++
  }
  assert.equal(ran, 7)
})

test('ROBERT §4: ECC = MSB(AES(K_G, EBID | 0^64)) xor CC, with federation keys of 128 and 256 bits', () => {
  let ran = 0
  for (const vector of vectors.ebid.filter((v) => v.kg !== undefined)) {
    const stream = federationCipher(hex(vector.kg))(hex(vector.ebid))[0]!
    assert.equal(stream ^ number(vector.countryCode), number(vector.ecc), vector.name)
    if (vector.aesBlock !== undefined) {
      const input = concat(hex(vector.ebid), new Uint8Array(8))
      assert.equal(toHex(aesBlocks(hex(vector.kg))(input)), vector.aesBlock)
    }
    ran++
  }
  // Two vectors carry no epoch, one carries no K_G: all nine ran in one of the two tests.
  assert.equal(ran, 8)
  assert.equal(vectors.ebid.length, 9)
})

const rawPoint = (spki: string) => hex(spki).subarray(-SIZE.publicPoint)

test('ROBERT §3.3: K_auth and K_enc from the shared secret, labels of the specification and of the deployed system', () => {
  const vector = vectors.keyAgreement[0]!
  for (const [profile, derived] of [
    [SPEC, vector.seed],
    [TAC, vector.tac],
  ] as const) {
    assert.ok(derived)
    assert.equal(toHex(ascii(profile.authenticationLabel)), derived.kAuthInfo)
    assert.equal(toHex(ascii(profile.encryptionLabel)), derived.kEncInfo)
    const sides = [
      agreeKeys(profile, hex(vector.clientPrivate), hex(vector.serverPublicPoint)),
      agreeKeys(profile, hex(vector.serverPrivate), hex(vector.clientPublicPoint)),
      agreeKeys(profile, hex(vector.clientPrivate), rawPoint(vector.serverPublicSpki)),
      agreeKeys(profile, hex(vector.serverPrivate), rawPoint(vector.clientPublicSpki ?? '')),
    ]
    for (const keys of sides) {
      assert.equal(toHex(keys!.authenticationKey), derived.kAuth)
      assert.equal(toHex(keys!.encryptionKey), derived.kEnc)
    }
  }
  assert.equal(toHex(publicPoint(hex(vector.clientPrivate))), vector.clientPublicPoint)
  assert.equal(toHex(publicPoint(hex(vector.serverPrivate))), vector.serverPublicPoint)
})

test('ROBERT §3.3: the shared secret is the x-coordinate, and the key of the HMAC over each label', () => {
  let labels = 0
  for (const vector of vectors.keyAgreement) {
    const secret = sharedSecret(hex(vector.clientPrivate), rawPoint(vector.serverPublicSpki))
    assert.equal(toHex(secret!), vector.sharedSecret, vector.name)
    for (const { info, key } of vector.derived ?? []) {
      assert.equal(toHex(hmacSha256(secret!, hex(info))), key, vector.name)
      labels++
    }
  }
  assert.equal(vectors.keyAgreement.length, 2)
  assert.equal(labels, 2)
})

test('ROBERT §5.1: a HELLO is ECC | EBID | TRUNC16(Time) | MAC, to the byte', () => {
  let derived = 0
  for (const vector of vectors.hello) {
    const key = hex(vector.kAuth)
    const time = vector.ntpSeconds as NtpSeconds
    const hello = buildHello(key, concat(hex(vector.ebid), hex(vector.ecc)), time)
    assert.equal(toHex(hello), vector.hello, vector.name)
    const parsed = parseHello(hello)
    assert.equal(parsed.ecc, number(vector.ecc))
    assert.equal(toHex(parsed.ebid), vector.ebid)
    assert.equal(parsed.time16, number(vector.time16))
    assert.equal(toHex(parsed.mac), vector.mac)
    assert.ok(helloMacIsValid(key, hello))
    if (vector.unixMillis !== undefined) {
      assert.equal(ntpOf(Math.floor(vector.unixMillis / 1000) as UnixSeconds), time)
    }
    if (vector.epoch === undefined) continue
    const ebid = makeEbids(serverKeyOf(hex(vector.ks)), number(vector.id), vector.epoch as Epoch, 1)
    assert.equal(toHex(ebid), vector.ebid, vector.name)
    assert.equal(federationCipher(hex(vector.kg))(ebid)[0]! ^ number(vector.countryCode), number(vector.ecc))
    const calendar = { serviceStart: unixOf(vector.serviceStartNtp as NtpSeconds), epochDuration: 900 }
    assert.equal(epochAt(calendar, unixOf(time)), vector.epoch)
    derived++
  }
  assert.equal(vectors.hello.length, 4)
  assert.equal(derived, 3)
})

test('ROBERT §7 and appendix C: the MAC of requests 2, 3 and 4 covers c | EBID | i | Time, i in 24 bits (32 in tac)', () => {
  const ran = { spec: 0, tac: 0 }
  const codes = new Set<number>()
  for (const vector of vectors.authRequest) {
    const profile: Profile = vector.layout.startsWith('tac') ? TAC : SPEC
    const code = number(vector.prefix)
    const request = buildRequest(profile, hex(vector.kAuth), {
      code,
      ebid: hex(vector.ebid),
      epoch: vector.epoch as Epoch,
      time: vector.ntpSeconds as NtpSeconds,
      payload: new Uint8Array(0),
    })
    const what = `${vector.name} ${vector.layout}`
    assert.equal(toHex(request.subarray(-SIZE.requestMac)), vector.mac, what)
    assert.ok(macIsValid(hex(vector.kAuth), hex(vector.macInput), hex(vector.mac)), what)
    const clear =
      vector.macInput.length === 32 ? `${vector.macInput.slice(0, 18)}00${vector.macInput.slice(18)}` : vector.macInput
    assert.equal(toHex(request.subarray(0, 17)), clear, what)
    codes.add(code)
    ran[profile.name as 'spec' | 'tac']++
  }
  assert.deepEqual(ran, { spec: 3, tac: 4 })
  assert.deepEqual([...codes].sort(), [CODE.status, CODE.unregister, CODE.deleteHistory])
})

test('ROBERT §4: a list sealed as IV | ciphertext | tag opens under K_enc', () => {
  for (const vector of vectors.tuples) {
    const plaintext = openFrom(hex(vector.kEnc), hex(vector.blob))
    assert.equal(new TextDecoder().decode(plaintext), vector.plaintextUtf8, vector.name)
    const sealed = gcmSeal(hex(vector.kEnc), hex(vector.iv), ascii(vector.plaintextUtf8))
    assert.equal(vector.iv + toHex(sealed), vector.blob, vector.name)
  }
  assert.equal(vectors.tuples.length, 1)
})

test('ROBERT §4: 384 packed pairs take 3,456 bytes after the head of six', () => {
  const list = { first: 0 as Epoch, pairs: new Uint8Array(0) }
  assert.equal(packList(list, 384).length - packList(list, 0).length, vectors.sizes.packed9ByteTuples384)
})

test('ROBERT §2.2, §3.1: NTP seconds, their low 16 and 32 bits, and epoch numbers of the deployed clock', () => {
  const ran = { epoch: 0, time32: 0, time16: 0, unixMillis: 0 }
  for (const vector of vectors.time) {
    const at = vector.utc === undefined ? Math.floor(vector.unixMillis! / 1000) : unix(vector.utc)
    const time = ntpOf(at as UnixSeconds)
    const what = `${vector.utc ?? vector.unixMillis}`
    assert.equal(time, vector.ntpSeconds, what)
    assert.equal(unixOf(time), at)
    if (vector.unixMillis !== undefined) ran.unixMillis++
    if (vector.epoch !== undefined) {
      const calendar = { serviceStart: unix(vector.serviceStartUtc!), epochDuration: 900 }
      assert.equal(epochAt(calendar, at as UnixSeconds), vector.epoch, what)
      ran.epoch++
    }
    if (vector.time32 !== undefined) {
      assert.equal(time32(time), number(vector.time32), what)
      ran.time32++
    }
    if (vector.time16 !== undefined) {
      assert.equal(time16(time), vector.time16, what)
      ran.time16++
    }
  }
  assert.deepEqual(ran, { epoch: 6, time32: 6, time16: 3, unixMillis: 1 })
  assert.equal(vectors.time.length, 10)
})

test('ROBERT §5.2 step 3: 16-bit times within δ on the circle, strict (spec) and inclusive (tac)', () => {
  for (const { a, b, delta, ...expected } of vectors.tolerance16) {
    const what = `${a} against ${b}`
    const received = (b + 0x10000 * 60_000) as NtpSeconds
    assert.equal(timeIsClose(SPEC, a, received, delta), expected.circularStrict, what)
    assert.equal(timeIsClose(TAC, a, received, delta), expected.tac, what)
    assert.equal(withinTolerance(TAC, distance16(a, b), delta), expected.circularInclusive, what)
    assert.equal(withinTolerance(SPEC, distance16(b, a), delta), expected.circularStrict, what)
  }
  assert.equal(vectors.tolerance16.length, 17)
})

test('every section of vectors/robert.json is one that a test here reads', () => {
  assert.deepEqual(Object.keys(vectors).sort(), [
    'about',
    'authRequest',
    'constants',
    'ebid',
    'hello',
    'keyAgreement',
    'sizes',
    'skinny',
    'time',
    'tolerance16',
    'tuples',
  ])
})
