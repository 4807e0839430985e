// Export files: those of deployed systems are read, ours come back as they were, and others read and verify them.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { concat, fromHex, toHex } from '../src/bytes.ts'
import * as noble from '../src/crypto/noble.ts'
import * as node from '../src/crypto/node.ts'
import {
  columnsOf,
  type DiagnosisKey,
  ExportReader,
  emptyKeys,
  isWholeGroup,
  openArchive,
  packArchive,
  packExport,
  readExport,
  readSignatures,
  signExport,
  unpackArchive,
  verifyExport,
} from '../src/gaen/index.ts'
import { holds, randomOf } from './fixture.ts'
import {
  arbitraryHeader,
  arbitraryKey,
  GENS_KEY,
  GENS_ZIP,
  HEADER,
  infoOf,
  listOf,
  PRIVATE_KEY,
  sample,
  signedArchive,
  TRUSTED,
} from './gaen-export-fixture.ts'

const NONE = emptyKeys(0)
const byKey = (a: DiagnosisKey, b: DiagnosisKey): number => Buffer.compare(a.keyData, b.keyData)

test('GAEN export: the sample of the deployed server says what it was made from, and is packed to the same bytes', () => {
  const { bin, sig } = unpackArchive(GENS_ZIP)
  const { header, keys, revisedKeys } = readExport(bin)
  const { temporaryExposureKeys } = JSON.parse(Buffer.from(sample('gens-keys.json')).toString())
  assert.deepEqual(
    listOf(keys),
    (temporaryExposureKeys as { [name: string]: never }[]).map((made) => ({
      keyData: new Uint8Array(Buffer.from(made['key']!, 'base64')),
      rollingStart: made['rollingStartNumber'],
      rollingPeriod: made['rollingPeriod'],
      transmissionRisk: made['transmissionRisk'],
      reportType: 0,
      daysSinceOnset: undefined,
    })),
  )
  assert.equal(revisedKeys.count, 0)
  assert.equal(toHex(packExport(header, keys, revisedKeys)), toHex(bin))
  assert.ok(verifyExport(bin, sig, [GENS_KEY]))
  assert.ok(openArchive(GENS_ZIP, [GENS_KEY]).ok)
})

test('GAEN export: an older file with the retired field of SignatureInfo, unsigned, is read', () => {
  const { header, keys } = readExport(sample('internals-raw-export.bin'))
  assert.equal(keys.count, 110)
  assert.deepEqual([header.region, header.batchNumber, header.signatureInfos], ['US', 1, [infoOf('', '')]])
  assert.ok(keys.periods.every((period) => period >= 1 && period <= 144))
})

test('GAEN export: what is packed is read again, sorted by key, in whatever pieces it comes', () => {
  const lists = fc.array(arbitraryKey, { maxLength: 20 })
  holds(
    fc.property(arbitraryHeader, lists, lists, fc.integer({ min: 1, max: 50 }), (header, keys, revised, step) => {
      const bin = packExport(header, columnsOf(keys), columnsOf(revised))
      const file = readExport(bin)
      assert.deepEqual(file.header, header)
      for (const [list, given] of [
        [file.keys, keys],
        [file.revisedKeys, revised],
      ] as const) {
        const read = listOf(list)
        assert.deepEqual(read, [...read].sort(byKey))
        assert.deepEqual(
          new Set(read.map((key) => JSON.stringify(key))),
          new Set(given.map((key) => JSON.stringify(key))),
        )
        assert.equal(list.count, given.length)
      }
      const pieces: DiagnosisKey[] = []
      const reader = new ExportReader((_, block) => pieces.push(...listOf(block)))
      for (let at = 0; at < bin.length; at += step) reader.feed(bin.subarray(at, at + step))
      assert.deepEqual(reader.finish(), header)
      assert.deepEqual(pieces, [...listOf(file.keys), ...listOf(file.revisedKeys)])
    }),
  )
})

test('GAEN export: the same keys in another order give the same bytes, also of the archive', () => {
  holds(
    fc.property(fc.array(arbitraryKey, { maxLength: 12 }), (keys) => {
      // Twice the same key, with other days: the order must not depend on who came first.
      const all = keys.flatMap((key) => [key, { ...key, daysSinceOnset: 3 }, { ...key, daysSinceOnset: undefined }])
      const there = packExport(HEADER, columnsOf(all), NONE)
      assert.equal(toHex(packExport(HEADER, columnsOf([...all].reverse()), NONE)), toHex(there))
      assert.deepEqual(signedArchive(there), signedArchive(there))
    }),
    50,
  )
})

test('GAEN export: blocks of keys go on after the first 4096', () => {
  const keys = emptyKeys(10_000)
  keys.keyData.set(randomOf('ten thousand')(160_000))
  const { keys: read } = readExport(packExport(HEADER, keys, NONE))
  assert.equal(read.count, 10_000)
  assert.deepEqual(listOf(read), listOf(keys).sort(byKey))
})

test('GAEN export: a key out of the bounds of the format is never packed', () => {
  const [key] = listOf(readExport(unpackArchive(GENS_ZIP).bin).keys)
  const wrong: object[] = [
    { rollingStart: 2 ** 31 },
    { rollingPeriod: 0 },
    { rollingPeriod: 145 },
    { transmissionRisk: 9 },
    { reportType: 6 },
    { daysSinceOnset: 15 },
    { daysSinceOnset: -15 },
  ]
  for (const change of wrong) {
    const keys = columnsOf([{ ...key!, ...change }])
    assert.throws(() => packExport(HEADER, keys, NONE), /broken promise/, JSON.stringify(change))
  }
})

// Field numbers of the published format, once more.
const SCHEMA = `syntax = "proto2";
message SignatureInfo { optional string version = 3; optional string id = 4; optional string algorithm = 5; }
message Key {
  optional bytes data = 1; optional int32 risk = 2; optional int32 start = 3; optional int32 period = 4 [default = 144];
  optional int32 type = 5; optional sint32 onset = 6;
}
message Export {
  optional fixed64 start = 1; optional fixed64 end = 2; optional string region = 3; optional int32 number = 4;
  optional int32 size = 5; repeated SignatureInfo infos = 6; repeated Key keys = 7; repeated Key revised = 8;
}
message Signature { optional SignatureInfo info = 1; optional int32 number = 2; optional int32 size = 3; optional bytes signature = 4; }
message Signatures { repeated Signature signatures = 1; }`
const schema = protobuf.parse(SCHEMA, { keepCase: true }).root

interface Decoded {
  readonly [name: string]: number & { toNumber: () => number }
}
const plainKey = (key: Decoded): object => ({
  keyData: new Uint8Array(key['data'] as unknown as Uint8Array),
  rollingStart: key['start'],
  rollingPeriod: key['period'],
  transmissionRisk: key['risk'],
  reportType: key['type'],
  daysSinceOnset: Object.hasOwn(key, 'onset') ? key['onset'] : undefined,
})

test('GAEN export: a second decoder reads ours, and ours reads what it encodes', () => {
  const lists = fc.array(arbitraryKey, { maxLength: 8 })
  holds(
    fc.property(arbitraryHeader, lists, lists, (header, keys, revised) => {
      const bin = packExport(header, columnsOf(keys), columnsOf(revised))
      const type = schema.lookupType('Export')
      const decoded = type.decode(bin.subarray(16)) as unknown as Record<string, Decoded[] & Decoded[string]>
      assert.equal(Number(decoded['start']), header.startTimestamp)
      assert.equal(Number(decoded['end']), header.endTimestamp)
      assert.deepEqual(
        [decoded['region'], decoded['number'], decoded['size']],
        [header.region, header.batchNumber, header.batchSize],
      )
      assert.deepEqual(
        decoded['infos']!.map((info) => [info['version'], info['id'], info['algorithm']]),
        header.signatureInfos.map((info) => [
          info.verificationKeyVersion,
          info.verificationKeyId,
          info.signatureAlgorithm,
        ]),
      )
      assert.deepEqual(decoded['keys']!.map(plainKey), listOf(readExport(bin).keys))
      assert.deepEqual(decoded['revised']!.map(plainKey), listOf(readExport(bin).revisedKeys))
      const again = concat(bin.subarray(0, 16), type.encode(decoded as never).finish())
      assert.deepEqual(readExport(again), readExport(bin))
    }),
    100,
  )
})

test('GAEN export: signatures are deterministic, and a second decoder reads them', () => {
  const header = { ...HEADER, batchNumber: 2, batchSize: 3, signatureInfos: [infoOf('999'), infoOf('998', 'v7')] }
  const bin = packExport(header, NONE, NONE)
  const sig = signExport(bin, header, [PRIVATE_KEY, randomOf('other')(32)])
  assert.deepEqual(signExport(bin, header, [PRIVATE_KEY, randomOf('other')(32)]), sig)
  const { signatures } = schema.lookupType('Signatures').decode(sig) as unknown as {
    signatures: Record<string, unknown>[]
  }
  assert.deepEqual(
    signatures.map((each) => [(each['info'] as Decoded)['id'], each['number'], each['size']]),
    [
      ['999', 2, 3],
      ['998', 2, 3],
    ],
  )
  assert.deepEqual(
    readSignatures(sig).map(({ signature }) => toHex(signature)),
    signatures.map(({ signature }) => toHex(signature as Uint8Array)),
  )
  assert.throws(() => signExport(bin, header, [PRIVATE_KEY]), /broken promise/)
})

test('GAEN export: openssl verifies our signature over export.bin', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinity-openssl-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const bin = packExport(HEADER, columnsOf(listOf(readExport(unpackArchive(GENS_ZIP).bin).keys)), NONE)
  const { signature } = readSignatures(signExport(bin, HEADER, [PRIVATE_KEY]))[0]!
  const spki = concat(fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'), TRUSTED.point)
  const base64 = Buffer.from(spki).toString('base64')
  writeFileSync(
    join(folder, 'public.pem'),
    `-----BEGIN PUBLIC KEY-----\n${base64.slice(0, 64)}\n${base64.slice(64)}\n-----END PUBLIC KEY-----\n`,
  )
  writeFileSync(join(folder, 'export.bin'), bin)
  writeFileSync(join(folder, 'signature.der'), signature)
  const args = ['dgst', '-sha256', '-verify', 'public.pem', '-signature', 'signature.der', 'export.bin']
  const { error, stdout } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  if (error !== undefined && process.env['CI'] === undefined) {
    t.diagnostic('openssl is not installed: nothing was verified with it')
    return
  }
  assert.equal(stdout, 'Verified OK\n')
})

test('GAEN export: both libraries make the same signature, and hash in pieces as in one', () => {
  const message = randomOf('message')(300)
  assert.deepEqual(noble.ecdsaSign(PRIVATE_KEY, message), new Uint8Array(node.ecdsaSign(PRIVATE_KEY, message)))
  for (const library of [node, noble]) {
    const stream = library.sha256Stream()
    for (let at = 0; at < 300; at += 7) stream.update(message.subarray(at, at + 7))
    assert.equal(toHex(stream.digest()), toHex(library.sha256(message)))
    const signature = library.ecdsaSign(PRIVATE_KEY, message)
    assert.ok(library.ecdsaVerifyDigest(TRUSTED.point, library.sha256(message), signature))
    assert.ok(!library.ecdsaVerifyDigest(TRUSTED.point, library.sha256(signature), signature))
    assert.ok(!library.ecdsaVerifyDigest(TRUSTED.point.subarray(1), library.sha256(message), signature))
    assert.ok(!library.ecdsaVerifyDigest(TRUSTED.point, library.sha256(message), signature.subarray(1)))
  }
})

test('GAEN export: phones take the batches of a group whole, each once', () => {
  const batch = (batchNumber: number) => ({ ...HEADER, batchNumber, batchSize: 2 })
  assert.ok(isWholeGroup([HEADER]))
  assert.ok(isWholeGroup([batch(2), batch(1)]))
  assert.ok(!isWholeGroup([batch(1)]))
  assert.ok(!isWholeGroup([batch(1), batch(1)]))
  for (const other of [{ region: 'XX' }, { startTimestamp: 0 }, { endTimestamp: 2 ** 40 }]) {
    assert.ok(!isWholeGroup([batch(1), { ...batch(2), ...other } as typeof HEADER]))
  }
})

test('GAEN export: one set of keys has to match whole; a file may be signed for two at once', () => {
  const second = { keyId: '998', keyVersion: 'v7', point: node.publicPoint(randomOf('other')(32)) }
  const header = { ...HEADER, signatureInfos: [infoOf('999'), infoOf('998', 'v7')] }
  const bin = packExport(header, NONE, NONE)
  const sig = signExport(bin, header, [PRIVATE_KEY, randomOf('other')(32)])
  const stranger = { ...TRUSTED, point: node.publicPoint(randomOf('stranger')(32)) }
  assert.ok(verifyExport(bin, sig, [TRUSTED]))
  assert.ok(verifyExport(bin, sig, [second]))
  assert.ok(verifyExport(bin, sig, [[TRUSTED, second]]))
  assert.ok(verifyExport(bin, sig, [stranger, second]))
  assert.ok(!verifyExport(bin, sig, [[TRUSTED, stranger]]))
  assert.ok(!verifyExport(bin, sig, [stranger]))
  assert.ok(!verifyExport(bin, sig, [{ ...TRUSTED, keyVersion: 'v2' }]))
  assert.ok(!verifyExport(bin, sig, [{ ...TRUSTED, keyId: '99' }]))
  assert.ok(!verifyExport(bin, sig, []))
  assert.ok(!verifyExport(bin, sig, [[]]))
  assert.ok(!verifyExport(packExport(HEADER, NONE, NONE), sig, [TRUSTED]))
})

test('GAEN export: a signature of another algorithm, too few signatures and another batch are no proof', () => {
  const bin = packExport(HEADER, NONE, NONE)
  const sha512 = { ...HEADER, signatureInfos: [{ ...infoOf('999'), signatureAlgorithm: '1.2.840.10045.4.3.4' }] }
  assert.ok(!verifyExport(bin, signExport(bin, sha512, [PRIVATE_KEY]), [TRUSTED]))
  assert.deepEqual(openArchive(packArchive(bin, new Uint8Array(0)), [TRUSTED]), {
    ok: false,
    reason: 'signatureForged',
  })
  const two = packExport({ ...HEADER, signatureInfos: [infoOf('999'), infoOf('998')] }, NONE, NONE)
  assert.deepEqual(openArchive(signedArchive(two), [TRUSTED]), { ok: false, reason: 'signatureMissing' })
  for (const other of [{ batchNumber: 2, batchSize: 2 }, { batchSize: 2 }]) {
    const foreign = signedArchive(bin, { ...HEADER, ...other })
    assert.deepEqual(openArchive(foreign, [TRUSTED]), { ok: false, reason: 'batchForeign' })
    assert.ok(!verifyExport(bin, unpackArchive(foreign).sig, [TRUSTED]))
  }
})
