// Exports to read and to spoil.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { concat } from '../src/bytes.ts'
import { publicPoint } from '../src/crypto/node.ts'
import {
  type DiagnosisKey,
  type DiagnosisKeys,
  ECDSA_WITH_SHA256,
  EXPORT_HEADER,
  type ExportHeader,
  keyAt,
  packArchive,
  signExport,
  type VerificationKey,
} from '../src/gaen/index.ts'
import { fromHex } from '../src/index.ts'
import { randomOf, unix } from './fixture.ts'

export const sample = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../data/gaen/${name}`, import.meta.url)))
export const GENS_ZIP: Uint8Array = sample('gens-testExport-2-records-1-of-1.zip')
/** The last 65 bytes of a SubjectPublicKeyInfo on P-256 are its point. */
export const GENS_KEY: VerificationKey = {
  keyId: 'some_id',
  keyVersion: '1',
  point: new Uint8Array(
    Buffer.from(
      Buffer.from(sample('gens-public.pem'))
        .toString()
        .replace(/-----.*-----/g, ''),
      'base64',
    ),
  ).slice(-65),
}

export const infoOf = (verificationKeyId: string, verificationKeyVersion = 'v1') => ({
  verificationKeyVersion,
  verificationKeyId,
  signatureAlgorithm: ECDSA_WITH_SHA256,
})

export const HEADER: ExportHeader = {
  startTimestamp: unix('2026-03-05T00:00:00Z'),
  endTimestamp: unix('2026-03-06T00:00:00Z'),
  region: 'XY',
  batchNumber: 1,
  batchSize: 1,
  signatureInfos: [infoOf('999')],
}

export const PRIVATE_KEY: Uint8Array = randomOf('export signer')(32)
export const TRUSTED: VerificationKey = { keyId: '999', keyVersion: 'v1', point: publicPoint(PRIVATE_KEY) }

/** Bytes as an archive that the trusted key signed, whatever they are. */
export const signedArchive = (bin: Uint8Array, header: ExportHeader = HEADER): Uint8Array =>
  packArchive(
    bin,
    signExport(
      bin,
      header,
      header.signatureInfos.map(() => PRIVATE_KEY),
    ),
  )

/** export.bin of fields in hexadecimal. */
export const exportOfFields = (...fields: readonly string[]): Uint8Array =>
  concat(EXPORT_HEADER, ...fields.map((field) => fromHex(field.replaceAll(' ', ''))))

export const listOf = (keys: DiagnosisKeys): DiagnosisKey[] =>
  Array.from({ length: keys.count }, (_, k) => ({ ...keyAt(keys, k), keyData: keyAt(keys, k).keyData.slice() }))

export const arbitraryKey: fc.Arbitrary<DiagnosisKey> = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  rollingStart: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  rollingPeriod: fc.integer({ min: 1, max: 144 }),
  transmissionRisk: fc.integer({ min: 0, max: 8 }),
  reportType: fc.integer({ min: 0, max: 5 }),
  daysSinceOnset: fc.option(fc.integer({ min: -14, max: 14 }), { nil: undefined }),
}) as fc.Arbitrary<DiagnosisKey>

const text = fc.string({ unit: fc.constantFrom(...'ab19_. -~'), maxLength: 64 })
export const arbitraryHeader: fc.Arbitrary<ExportHeader> = fc
  .record({
    startTimestamp: fc.integer({ min: 0, max: 2 ** 40 }),
    length: fc.integer({ min: 0, max: 2 ** 20 }),
    region: text,
    batchNumber: fc.integer({ min: 1, max: 1000 }),
    more: fc.integer({ min: 0, max: 999_000 }),
    signatureInfos: fc.array(
      fc.record({ verificationKeyVersion: text, verificationKeyId: text, signatureAlgorithm: text }),
      { maxLength: 4 },
    ),
  })
  .map(({ startTimestamp, length, region, batchNumber, more, signatureInfos }) => ({
    startTimestamp: startTimestamp as ExportHeader['startTimestamp'],
    endTimestamp: (startTimestamp + length) as ExportHeader['endTimestamp'],
    region,
    batchNumber,
    batchSize: batchNumber + more,
    signatureInfos: signatureInfos.map((info) => ({ ...info })),
  }))
