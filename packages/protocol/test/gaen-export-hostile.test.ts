// Export files that somebody spoiled, by chance or on purpose: each is refused with its reason, none is read for ever.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ascii, concat, fromHex, toHex } from '../src/bytes.ts'
import { derOfSignature, signatureOfDer } from '../src/gaen/der.ts'
import {
  columnsOf,
  emptyKeys,
  openArchive,
  packArchive,
  packExport,
  packIndex,
  parseIndex,
  readExport,
  readSignatures,
  signExport,
  unpackArchive,
} from '../src/gaen/index.ts'
import { FieldReader, FieldWriter } from '../src/gaen/protobuf.ts'
import { Malformed } from '../src/outcome.ts'
import { holds } from './fixture.ts'
import {
  arbitraryKey,
  exportOfFields,
  GENS_KEY,
  GENS_ZIP,
  HEADER,
  listOf,
  PRIVATE_KEY,
  signedArchive,
  TRUSTED,
} from './gaen-export-fixture.ts'

const isMalformed =
  (field: string) =>
  (error: unknown): boolean =>
    error instanceof Malformed && error.field === field

const KEY = '0a 10 000102030405060708090a0b0c0d0e0f'
const hexOf = (fields: string): string => fields.replaceAll(' ', '')
/** A field with a length, of fields in hexadecimal. */
const wrapped = (tag: string, fields: string): string =>
  `${tag} ${(hexOf(fields).length / 2).toString(16).padStart(2, '0')} ${fields}`
const keyOf = (fields: string): string => wrapped('3a', fields)

test('GAEN export: fields that nobody knows are passed over, at every depth', () => {
  const unknown = '9801 ff01  a1 01 0102030405060708  ad 01 01020304  b2 01 03 aabbcc'
  const file = readExport(
    exportOfFields(unknown, keyOf(`${unknown} ${KEY} ${unknown}`), wrapped('32', unknown), '1a 02 5859', unknown),
  )
  assert.deepEqual([file.keys.count, file.header.region, file.header.signatureInfos.length], [1, 'XY', 1])
  assert.deepEqual(readSignatures(fromHex(hexOf(`${unknown} ${wrapped('0a', unknown)}`))).length, 1)
})

test('GAEN export: what a key does not say has its default, and no onset stays none', () => {
  const [key, sameDay] = listOf(readExport(exportOfFields(keyOf(KEY), keyOf(`${KEY} 30 00`))).keys)
  assert.deepEqual(
    { ...key, keyData: toHex(key!.keyData) },
    {
      keyData: '000102030405060708090a0b0c0d0e0f',
      rollingStart: 0,
      rollingPeriod: 144,
      transmissionRisk: 0,
      reportType: 0,
      daysSinceOnset: undefined,
    },
  )
  assert.equal(sameDay!.daysSinceOnset, 0)
  // Of a field that is there twice the last counts, as everywhere.
  assert.equal(listOf(readExport(exportOfFields(keyOf(`${KEY} 20 05 20 06`))).keys)[0]!.rollingPeriod, 6)
})

const MINUS_ONE = 'ffffffffffffffffff01'

/** What is wrong, the field that is named, and the fields of the file. */
const SPOILED: readonly (readonly [what: string, field: string, ...fields: string[]])[] = [
  ['a key of 15 bytes', 'key_data', keyOf('0a 0f 000102030405060708090a0b0c0d0e')],
  ['a key of 17 bytes', 'key_data', keyOf('0a 11 000102030405060708090a0b0c0d0e0f10')],
  ['no key', 'key_data', keyOf('10 01')],
  ['an empty record', 'key_data', '3a 00'],
  ['an empty revised record', 'key_data', '42 00'],
  ['a period of 0', 'rolling_period', keyOf(`${KEY} 20 00`)],
  ['a period of 145', 'rolling_period', keyOf(`${KEY} 20 9101`)],
  ['a negative period', 'rolling_period', keyOf(`${KEY} 20 ${MINUS_ONE}`)],
  ['a negative start', 'rolling_start_interval_number', keyOf(`${KEY} 18 ${MINUS_ONE}`)],
  ['a start of 32 bits', 'rolling_start_interval_number', keyOf(`${KEY} 18 8080808008`)],
  ['a risk of 9', 'transmission_risk_level', keyOf(`${KEY} 10 09`)],
  ['a negative risk', 'transmission_risk_level', keyOf(`${KEY} 10 ${MINUS_ONE}`)],
  ['a report type of 6', 'report_type', keyOf(`${KEY} 28 06`)],
  ['15 days since onset', 'days_since_onset_of_symptoms', keyOf(`${KEY} 30 1e`)],
  ['-15 days since onset', 'days_since_onset_of_symptoms', keyOf(`${KEY} 30 1d`)],
  ['a number of 11 bytes', 'keys', keyOf(`${KEY} 10 ${'80'.repeat(10)}00`)],
  ['an unknown number of 11 bytes', 'export.bin', `9801${'80'.repeat(10)}00`],
  ['a tag without end', 'export.bin', '80'.repeat(11)],
  ['a length without end', 'export.bin', `3a ${'80'.repeat(11)}`],
  ['a field with number 0', 'export.bin', '00 00'],
  ['a field number above 29 bits', 'export.bin', 'f8ffffffff01 00'],
  ['a group', 'export.bin', '4b 4c'],
  ['a length of 4 GB', 'export.bin', '3a ffffffff0f'],
  ['a length above 4096', 'export.bin', '3a 8120'],
  ['a length beyond the record', 'keys', keyOf('0a 10 00')],
  ['a record that ends in a tag', 'keys', keyOf(`${KEY} 10`)],
  ['a record that ends in a length', 'keys', keyOf(`${KEY} 0a`)],
  ['key bytes as a number', 'keys', keyOf('08 01')],
  ['a period as bytes', 'keys', keyOf(`${KEY} 22 01 01`)],
  ['an onset as bytes', 'keys', keyOf(`${KEY} 32 01 01`)],
  ['keys as a number', 'export.bin', '38 01'],
  ['a time as a number', 'export.bin', '08 01'],
  ['a start beyond 2^53', 'start_timestamp', '09 ffffffffffffff7f'],
  ['an end beyond 2^53', 'end_timestamp', '11 0000000000002000'],
  ['an end before the start', 'end_timestamp', '09 0200000000000000 11 0100000000000000'],
  ['a region with a control character', 'region', '1a 01 1b'],
  ['a region beyond ASCII', 'region', '1a 02 c3a9'],
  ['a region of 65 characters', 'region', `1a 41 ${'41'.repeat(65)}`],
  ['batch 0', 'batch_num', '20 00'],
  ['a group of 0 batches', 'batch_size', '28 00'],
  ['a group of 1,000,001 batches', 'batch_size', '28 c1843d'],
  ['batch 2 of 1', 'batch_num', '20 02 28 01'],
  ['a version with a line break', 'verification_key_version', wrapped('32', '1a 01 0a')],
  ['an id of 65 characters', 'verification_key_id', wrapped('32', `22 41 ${'41'.repeat(65)}`)],
  ['an algorithm of bytes', 'signature_algorithm', wrapped('32', '2a 01 ff')],
  ['33 announced signatures', 'signature_infos', '3200'.repeat(33)],
]

test('GAEN export: every spoiled field is refused by its name, also in a signed file', () => {
  for (const [what, field, ...fields] of SPOILED) {
    const bin = exportOfFields(...fields)
    assert.throws(() => readExport(bin), isMalformed(field), what)
    assert.throws(() => openArchive(signedArchive(bin), [TRUSTED]), isMalformed(field), what)
  }
})

test('GAEN export: the record on which the reference parser stays for ever ends the reading', () => {
  const good = keyOf(KEY)
  const bin = exportOfFields(good, keyOf('0a 10 0001'), good)
  assert.throws(() => openArchive(signedArchive(bin), [TRUSTED]), isMalformed('keys'))
})

test('GAEN export: another header, and no header, are refused', () => {
  const { bin } = unpackArchive(GENS_ZIP)
  for (let k = 0; k < 16; k++) {
    const other = bin.slice()
    other[k]! ^= 1
    assert.throws(() => readExport(other), isMalformed('export.bin'))
    assert.throws(() => readExport(bin.subarray(0, k)), isMalformed('export.bin'))
  }
  const { header, keys } = readExport(bin.subarray(0, 16))
  assert.deepEqual([header.batchNumber, header.batchSize, header.signatureInfos, keys.count], [1, 1, [], 0])
})

test('GAEN export: a file cut off anywhere is refused, or is a shorter file whose signature does not fit', () => {
  const { bin, sig } = unpackArchive(GENS_ZIP)
  let whole = 0
  for (let length = 0; length < bin.length; length++) {
    const cut = bin.subarray(0, length)
    try {
      readExport(cut)
      whole++
    } catch (error) {
      assert.ok(error instanceof Malformed, `${length} bytes`)
    }
    assert.ok(!isAccepted(packArchive(cut, sig)), `${length} bytes`)
  }
  // After the header and after each of the eight fields but the first, which alone has an end before its start, and the last.
  assert.equal(whole, 7)
  for (let length = 0; length < sig.length; length++) {
    assert.ok(!isAccepted(packArchive(bin, sig.subarray(0, length))), `${length} bytes of the signature`)
  }
})

function isAccepted(zip: Uint8Array): boolean {
  try {
    return openArchive(zip, [GENS_KEY]).ok
  } catch (error) {
    if (error instanceof Malformed) return false
    throw error
  }
}

test('GAEN export: whichever byte of a signed archive is altered, nothing else than what was signed is read', () => {
  const signed = readExport(unpackArchive(GENS_ZIP).bin)
  for (let at = 0; at < GENS_ZIP.length; at++) {
    const turned = GENS_ZIP.slice()
    turned[at]! ^= 1 << (at % 8)
    try {
      const outcome = openArchive(turned, [GENS_KEY])
      // Dates and attributes of the archive are not signed.
      if (outcome.ok) assert.deepEqual(outcome.value, signed)
    } catch (error) {
      assert.ok(error instanceof Malformed, `byte ${at}: ${error}`)
    }
  }
})

test('GAEN export: turned bits and random bytes never make the reader fail otherwise than refusing', () => {
  const bytes = fc.uint8Array({ maxLength: 60 })
  holds(
    fc.property(fc.array(arbitraryKey, { maxLength: 5 }), bytes, fc.nat(), fc.nat(), (keys, random, at, bit) => {
      const bin = packExport(HEADER, columnsOf(keys), emptyKeys(0))
      const place = 16 + (at % (bin.length - 16))
      const turned = bin.slice()
      turned[place]! ^= 1 << (bit % 8)
      for (const spoiled of [
        turned,
        concat(bin, random),
        concat(bin.subarray(0, place), random, bin.subarray(place)),
      ]) {
        try {
          for (const key of listOf(readExport(spoiled).keys))
            assert.ok(key.rollingPeriod >= 1 && key.rollingPeriod <= 144)
        } catch (error) {
          assert.ok(error instanceof Malformed, `${error}`)
        }
        try {
          readSignatures(spoiled)
        } catch (error) {
          assert.ok(error instanceof Malformed, `${error}`)
        }
      }
    }),
    500,
  )
})

test('GAEN export: spoiled signature files are refused', () => {
  const sig = signExport(packExport(HEADER, emptyKeys(0), emptyKeys(0)), HEADER, [PRIVATE_KEY])
  const refused: readonly (readonly [what: string, field: string, bytes: string])[] = [
    ['cut off', 'export.sig', toHex(sig.subarray(0, -1))],
    ['33 signatures', 'export.sig', '0a00'.repeat(33)],
    ['a signature cut off', 'signatures', wrapped('0a', '22 05 00')],
    ['batch 0', 'batch_num', wrapped('0a', '10 00')],
    ['batch 3 of 2', 'batch_num', wrapped('0a', '10 03 18 02')],
    ['a group of no size', 'batch_size', wrapped('0a', '18 00')],
    ['a spoiled info', 'signature_info', wrapped('0a', '0a 02 1a 05')],
  ]
  for (const [what, field, bytes] of refused) {
    assert.throws(() => readSignatures(fromHex(hexOf(bytes))), isMalformed(field), what)
  }
})

test('GAEN export: DER and r | s say the same, and DER has one form', () => {
  const scalar = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constant(new Uint8Array(32)))
  const small = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((low) => concat(new Uint8Array(32 - low.length), low))
  holds(
    fc.property(fc.oneof(scalar, small), fc.oneof(scalar, small), (r, s) => {
      const der = derOfSignature(concat(r, s))
      assert.deepEqual(signatureOfDer(der), concat(r, s))
      for (let length = 0; length < der.length; length++) {
        assert.throws(() => signatureOfDer(der.subarray(0, length)), isMalformed('signature'))
      }
    }),
  )
  const wrong = [
    '3006 0201 01 0201 01 00', // one byte more
    '3007 0201 01 0201 01 00', // and counted
    '3006 0201 81 0201 01', // negative
    '3007 0202 0001 0201 01', // a zero too many
    '3006 0301 01 0201 01', // another type
    '3005 0200 0201 01', // no digits
    '3006 0281 01 0201 01', // a long length
    '3008 0201 01 0203 0101', // beyond the end
    '3102 0201', // another type of the whole
    `3046 0221 00${'ff'.repeat(32)} 0221 00${'ff'.repeat(33)}`, // longer than any
    `3028 0221 01${'ff'.repeat(32)} 0203 010101`, // more than 256 bits
  ]
  for (const der of wrong) assert.throws(() => signatureOfDer(fromHex(hexOf(der))), isMalformed('signature'), der)
})

test('Protocol Buffers: numbers of every size are written as they are read', () => {
  holds(
    fc.property(
      fc.maxSafeNat(),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.uint8Array(),
      (whole, signed, bytes) => {
        const written = new FieldWriter(0)
          .integer(1, whole)
          .signed(2, signed)
          .eightBytes(3, whole)
          .bytesOf(4, bytes).bytes
        const reader = new FieldReader(written, 'message')
        assert.ok(reader.next())
        assert.equal(reader.integer('a', 0, Number.MAX_SAFE_INTEGER), whole)
        assert.ok(reader.next())
        assert.equal(reader.signed('b', -(2 ** 31), 2 ** 31 - 1), signed)
        assert.ok(reader.next())
        assert.equal(reader.eightBytes('c', Number.MAX_SAFE_INTEGER), whole)
        assert.ok(reader.next())
        assert.deepEqual(reader.bytes(), bytes)
        assert.ok(!reader.next())
        reader.finish()
      },
    ),
  )
})

test('GAEN index: relative paths, one a line, oldest first', () => {
  const paths = ['exports/1772668800-1772683200-00001.zip', 'exports/1772683200-1772697600-00001.zip', 'a/b.c~/d+e=f']
  const sorted = [...paths].sort()
  assert.equal(Buffer.from(packIndex(paths)).toString(), sorted.join('\n'))
  assert.deepEqual(parseIndex(packIndex(paths)), sorted)
  // The order of the file is the order of its server; what is there twice is one.
  assert.deepEqual(parseIndex(ascii('\nb.zip\r\na.zip\n\nb.zip\n')), ['b.zip', 'a.zip'])
  assert.deepEqual(parseIndex(new Uint8Array(0)), [])
})

test('GAEN index: paths that lead elsewhere, and too many of them, are refused', () => {
  const elsewhere = [
    '/a',
    '../a',
    'a/../b',
    'a/..',
    '.',
    './a',
    '..',
    'a//b',
    'a/',
    'https://x/a',
    'a\\b',
    'a b',
    'a?b',
  ]
  for (const path of [...elsewhere, 'a#b', 'a%2e', 'ä.zip', 'a\0', `${'a'.repeat(513)}`, '//x/a', ' ']) {
    assert.throws(() => parseIndex(ascii(`good.zip\n${path}`)), isMalformed('index'), path)
    assert.throws(() => packIndex([path]), isMalformed('index'), path)
  }
  const many = Array.from({ length: 10_001 }, (_, k) => `${k}.zip`).join('\n')
  assert.throws(() => parseIndex(ascii(many)), isMalformed('index'))
  assert.throws(() => parseIndex(new Uint8Array(1024 * 1024 + 1).fill(0x61)), isMalformed('index'))
})
