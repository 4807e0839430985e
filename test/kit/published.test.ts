// The published vectors against the second implementation: what makes our own cases is anchored in what others published.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { aesBlock, type Hex, hex, hmac, sealGcm } from './second/hex.ts'
import { agree, ebidOf, eccOf, helloOf, openEbid, publicKeyOf, requestMacInput, requestOf } from './second/messages.ts'
import { decrypt, encrypt } from './second/skinny.ts'
import { distance, epochAt, low16, low32, near16, ntpOfUtc } from './second/time.ts'

interface Published {
  readonly skinny: { readonly vectors: readonly { key: Hex; plaintext: Hex; ciphertext: Hex }[] }
  readonly ebid: readonly {
    name: string
    ebid: Hex
    ks?: Hex
    kg?: Hex
    epoch?: number
    id?: Hex
    countryCode?: Hex
    ecc?: Hex
    aesBlock?: Hex
  }[]
  readonly keyAgreement: readonly {
    clientPrivate: Hex
    clientPublicPoint?: Hex
    serverPublicSpki: Hex
    sharedSecret: Hex
    seed?: { kAuth: Hex; kEnc: Hex }
    tac?: { kAuth: Hex; kEnc: Hex }
    derived?: readonly { info: Hex; key: Hex }[]
  }[]
  readonly hello: readonly { name: string; kAuth: Hex; ecc: Hex; ebid: Hex; ntpSeconds: number; hello: Hex }[]
  readonly authRequest: readonly {
    name: string
    layout: string
    prefix: Hex
    kAuth: Hex
    ebid: Hex
    epoch: number
    ntpSeconds: number
    macInput: Hex
    mac: Hex
  }[]
  readonly tuples: readonly { kEnc: Hex; iv: Hex; plaintextUtf8: string; blob: Hex }[]
  readonly time: readonly {
    utc?: string
    unixMillis?: number
    ntpSeconds: number
    serviceStartUtc?: string
    epoch?: number
    time32?: Hex
    time16?: number
  }[]
  readonly tolerance16: readonly {
    a: number
    b: number
    delta: number
    circularInclusive: boolean
    circularStrict: boolean
  }[]
}

const published = JSON.parse(readFileSync(new URL('../../vectors/robert.json', import.meta.url), 'utf8')) as Published

test('second implementation: SKINNY-64/192 of the paper, in both directions', () => {
  const vectors = published.skinny.vectors.filter(({ key }) => key.length === 48)
  assert.equal(vectors.length, 2)
  for (const { key, plaintext, ciphertext } of vectors) {
    assert.equal(encrypt(key, plaintext), ciphertext)
    assert.equal(decrypt(key, ciphertext), plaintext)
  }
})

test('second implementation: published EBIDs and encrypted country codes', () => {
  let compared = 0
  for (const { name, ks, kg, ebid, epoch, id, countryCode, ecc, aesBlock: block } of published.ebid) {
    if (ks !== undefined && epoch !== undefined && id !== undefined) {
      assert.equal(ebidOf(ks, epoch, id), ebid, name)
      assert.deepEqual(openEbid(ks, ebid), { epoch, id }, name)
      compared++
    }
    if (kg === undefined) continue
    assert.equal(eccOf(kg, ebid, countryCode!), ecc, name)
    if (block !== undefined) assert.equal(aesBlock(kg, ebid + hex(0, 8)), block, name)
    compared++
  }
  assert.equal(compared, 15)
})

test('second implementation: published key agreements, with the labels of both profiles', () => {
  for (const vector of published.keyAgreement) {
    const point = vector.serverPublicSpki.slice(-130)
    const spec = agree('spec', vector.clientPrivate, point)
    assert.equal(spec.sharedSecret, vector.sharedSecret)
    if (vector.clientPublicPoint !== undefined)
      assert.equal(publicKeyOf(vector.clientPrivate), vector.clientPublicPoint)
    for (const { info, key } of vector.derived ?? []) assert.equal(hmac(spec.sharedSecret, info), key)
    for (const [profile, keys] of [['spec', vector.seed] as const, ['tac', vector.tac] as const]) {
      if (keys === undefined) continue
      const agreed = agree(profile, vector.clientPrivate, point)
      assert.deepEqual([agreed.authenticationKey, agreed.encryptionKey], [keys.kAuth, keys.kEnc])
    }
  }
})

test('second implementation: published HELLOs', () => {
  assert.equal(published.hello.length, 4)
  for (const { name, kAuth, ecc, ebid, ntpSeconds, hello } of published.hello) {
    assert.equal(helloOf(kAuth, ecc, ebid, BigInt(ntpSeconds)), hello, name)
  }
})

test('second implementation: published authenticated requests in both layouts', () => {
  assert.equal(published.authRequest.length, 7)
  for (const { name, layout, prefix, kAuth, ebid, epoch, ntpSeconds, macInput, mac } of published.authRequest) {
    const profile = layout.startsWith('tac') ? 'tac' : 'spec'
    const fields = { c: Number(prefix), ebid, epoch, time: BigInt(ntpSeconds) }
    assert.equal(requestMacInput(profile, fields), macInput, `${name}, ${layout}`)
    assert.equal(requestOf(profile, kAuth, fields).slice(-64), mac, `${name}, ${layout}`)
  }
})

test('second implementation: the published sealed list', () => {
  for (const { kEnc, iv, plaintextUtf8, blob } of published.tuples) {
    assert.equal(sealGcm(kEnc, iv, Buffer.from(plaintextUtf8, 'utf8').toString('hex')), blob)
  }
})

test('second implementation: published times and epochs', () => {
  for (const { utc, unixMillis, ntpSeconds, serviceStartUtc, epoch, time32, time16 } of published.time) {
    const second = utc ?? new Date(Math.floor(unixMillis! / 1000) * 1000).toISOString()
    const ntp = ntpOfUtc(second)
    assert.equal(ntp, BigInt(ntpSeconds), second)
    if (time32 !== undefined) assert.equal(hex(low32(ntp), 4), time32, second)
    if (time16 !== undefined) assert.equal(low16(ntp), BigInt(time16), second)
    if (serviceStartUtc === undefined) continue
    assert.equal(epochAt({ serviceStart: ntpOfUtc(serviceStartUtc), epochDuration: 900n }, ntp), BigInt(epoch!), second)
  }
})

test('second implementation: published tolerances on the circle of 16 bits', () => {
  for (const { a, b, delta, circularInclusive, circularStrict } of published.tolerance16) {
    const [first, second, most] = [BigInt(a), BigInt(b), BigInt(delta)]
    assert.equal(near16(first, second, most, true), circularInclusive, `${a} and ${b}`)
    assert.equal(near16(first, second, most, false), circularStrict, `${a} and ${b}`)
    assert.equal(distance(first, second), distance(second, first), `${a} and ${b}`)
  }
})
