// The published vector of the key schedule, through both libraries, and the shapes around it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, toHex } from '../src/bytes.ts'
import {
  associatedEncryptedMetadataKey,
  encryptMetadata,
  type IntervalNumber,
  intervalAt,
  intervalStart,
  isPlausible,
  keyStartAt,
  metadataOf,
  packAdvertisement,
  packMetadata,
  parseAdvertisement,
  rollingProximityIdentifierKey,
  rollingProximityIdentifiers,
  unpackMetadata,
} from '../src/gaen/index.ts'
import { Malformed } from '../src/outcome.ts'
import { readVectors, unix } from './fixture.ts'

interface Vector {
  readonly keyGenerationUnixSeconds: number
  readonly rollingStartIntervalNumber: number
  readonly rollingPeriod: number
  readonly tek: string
  readonly rpik: string
  readonly aemk: string
  readonly metadata: string
  readonly intervals: readonly { readonly enin: number; readonly rpi: string; readonly aem: string }[]
}
const { vectors } = readVectors('gaen.json') as { readonly vectors: readonly Vector[] }

test('GAEN key schedule: TEK to RPIK, AEMK, all 144 identifiers and their metadata, as published', () => {
  assert.ok(vectors.length > 0)
  for (const vector of vectors) {
    const first = vector.rollingStartIntervalNumber as IntervalNumber
    assert.equal(keyStartAt(vector.keyGenerationUnixSeconds as never), first)
    const identifierKey = rollingProximityIdentifierKey(fromHex(vector.tek))
    const metadataKey = associatedEncryptedMetadataKey(fromHex(vector.tek))
    assert.equal(toHex(identifierKey), vector.rpik)
    assert.equal(toHex(metadataKey), vector.aemk)
    assert.equal(vector.intervals.length, vector.rollingPeriod)
    const all = rollingProximityIdentifiers(identifierKey, first, vector.rollingPeriod)
    assert.equal(toHex(all), vector.intervals.map(({ rpi }) => rpi).join(''))
    for (const { enin, rpi, aem } of vector.intervals) {
      assert.equal(toHex(rollingProximityIdentifiers(identifierKey, enin as IntervalNumber, 1)), rpi)
      assert.equal(toHex(encryptMetadata(metadataKey, fromHex(rpi), fromHex(vector.metadata))), aem)
      assert.equal(toHex(encryptMetadata(metadataKey, fromHex(rpi), fromHex(aem))), vector.metadata)
    }
  }
})

test('GAEN intervals: 600 s each; keys start at multiples of 144, which is midnight UTC', () => {
  assert.equal(intervalAt(unix('1970-01-01T00:10:00Z')), 1)
  assert.equal(intervalAt(unix('2020-04-02T00:09:59Z')), 2_642_976)
  assert.equal(intervalStart(2_642_976), unix('2020-04-02T00:00:00Z'))
  for (const utc of ['2020-04-02T00:00:00Z', '2020-04-02T23:59:59Z']) assert.equal(keyStartAt(unix(utc)), 2_642_976)
  assert.equal(keyStartAt(unix('2020-04-03T00:00:00Z')), 2_643_120)
})

test('GAEN metadata: version, confidence and power, signed; there and back', () => {
  assert.deepEqual(unpackMetadata(fromHex('40080000')), {
    majorVersion: 1,
    minorVersion: 0,
    calibrationConfidence: 0,
    transmitPower: 8,
  })
  for (let power = -127; power <= 127; power++) {
    for (let confidence = 0; confidence < 4; confidence++) {
      const metadata = metadataOf(power, confidence)
      assert.deepEqual(unpackMetadata(packMetadata(metadata)), metadata)
      assert.equal(isPlausible(metadata), power >= -50 && power <= 20)
    }
  }
  assert.equal(isPlausible({ ...metadataOf(0), majorVersion: 2 }), false)
  assert.throws(() => unpackMetadata(new Uint8Array(3)), Malformed)
})

test('GAEN advertisement: 31 bytes, service 0xFD6F, whatever the flags; anything else is refused', () => {
  const identifier = fromHex(vectors[0]!.intervals[0]!.rpi)
  const encryptedMetadata = fromHex(vectors[0]!.intervals[0]!.aem)
  const bytes = packAdvertisement({ rollingProximityIdentifier: identifier, encryptedMetadata })
  const hex = `02011a03036ffd17166ffd${toHex(identifier)}${toHex(encryptedMetadata)}`
  assert.equal(toHex(bytes), hex)
  for (const flags of ['1a', '06', '00']) {
    const parsed = parseAdvertisement(fromHex(hex.replace('02011a', `0201${flags}`)))
    assert.deepEqual(parsed.rollingProximityIdentifier, identifier)
    assert.deepEqual(parsed.encryptedMetadata, encryptedMetadata)
  }
  assert.throws(() => parseAdvertisement(bytes.subarray(1)), Malformed)
  for (const k of [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]) {
    const changed = bytes.slice()
    changed[k]! ^= 1
    assert.throws(() => parseAdvertisement(changed), Malformed, `byte ${k}`)
  }
})
