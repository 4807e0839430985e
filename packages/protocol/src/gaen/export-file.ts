// The file that every phone downloads: `TemporaryExposureKeyExport` of the export format, behind a header of 16 bytes.
import { ascii } from '../bytes.ts'
import { assert } from '../outcome.ts'
import type { UnixSeconds } from '../time.ts'
import { GAEN_SIZE, ROLLING_PERIOD } from './constants.ts'
import { type DiagnosisKeys, MOST_DAYS_SINCE_ONSET, NO_ONSET, REPORT_TYPE } from './diagnosis-key.ts'
import { FieldWriter } from './protobuf.ts'

/** What export.bin begins with, 16 bytes. */
export const EXPORT_HEADER: Uint8Array = ascii('EK Export v1    ')

/** ECDSA with SHA-256, as an object identifier. */
export const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'

/** Field numbers of the format. */
export const EXPORT_FIELD = {
  startTimestamp: 1,
  endTimestamp: 2,
  region: 3,
  batchNumber: 4,
  batchSize: 5,
  signatureInfos: 6,
  keys: 7,
  revisedKeys: 8,
} as const
export const KEY_FIELD = {
  keyData: 1,
  transmissionRisk: 2,
  rollingStart: 3,
  rollingPeriod: 4,
  reportType: 5,
  daysSinceOnset: 6,
} as const
/** 1 and 2 are retired: the names of applications. */
export const SIGNATURE_INFO_FIELD = { verificationKeyVersion: 3, verificationKeyId: 4, signatureAlgorithm: 5 } as const

/** Bounds of what a file may say. */
export const EXPORT_BOUNDS = {
  textCharacters: 64,
  signatures: 32,
  batchSize: 1_000_000,
  transmissionRisk: 8,
  /** The field has 32 bits and a sign. */
  rollingStart: 2 ** 31 - 1,
} as const

/** Which key signs, so that a phone knows what to verify with. */
export interface SignatureInfo {
  readonly verificationKeyVersion: string
  readonly verificationKeyId: string
  /** An object identifier; `ECDSA_WITH_SHA256` where the file says nothing. */
  readonly signatureAlgorithm: string
}

export interface ExportHeader {
  /** Keys that arrived from here on, inclusive. */
  readonly startTimestamp: UnixSeconds
  /** Exclusive. */
  readonly endTimestamp: UnixSeconds
  /** Printable ASCII, at most 64 characters. */
  readonly region: string
  /** 1..batchSize. */
  readonly batchNumber: number
  readonly batchSize: number
  readonly signatureInfos: readonly SignatureInfo[]
}

export interface ExportFile {
  readonly header: ExportHeader
  /** Published for the first time. */
  readonly keys: DiagnosisKeys
  /** Published before, with another report now. */
  readonly revisedKeys: DiagnosisKeys
}

/** The bytes of one `SignatureInfo`. */
export const packSignatureInfo = (info: SignatureInfo): Uint8Array =>
  new FieldWriter()
    .bytesOf(SIGNATURE_INFO_FIELD.verificationKeyVersion, ascii(info.verificationKeyVersion))
    .bytesOf(SIGNATURE_INFO_FIELD.verificationKeyId, ascii(info.verificationKeyId))
    .bytesOf(SIGNATURE_INFO_FIELD.signatureAlgorithm, ascii(info.signatureAlgorithm)).bytes

const { temporaryExposureKey: KEY } = GAEN_SIZE

/** One `TemporaryExposureKey`. As deployed exporters do, a start of 0 and a whole day are left out: they are the defaults. */
function putKey(writer: FieldWriter, keys: DiagnosisKeys, k: number): void {
  writer
    .bytesOf(KEY_FIELD.keyData, keys.keyData.subarray(KEY * k, KEY * (k + 1)))
    .integer(KEY_FIELD.transmissionRisk, keys.transmissionRisks[k]!)
  if (keys.starts[k] !== 0) writer.integer(KEY_FIELD.rollingStart, keys.starts[k]!)
  if (keys.periods[k] !== ROLLING_PERIOD) writer.integer(KEY_FIELD.rollingPeriod, keys.periods[k]!)
  if (keys.reportTypes[k] !== REPORT_TYPE.unknown) writer.integer(KEY_FIELD.reportType, keys.reportTypes[k]!)
  // No onset is not an onset of the same day: the field is there or not.
  if (keys.daysSinceOnset[k] !== NO_ONSET) writer.signed(KEY_FIELD.daysSinceOnset, keys.daysSinceOnset[k]!)
}

const isPublishable = (keys: DiagnosisKeys, k: number): boolean =>
  keys.starts[k]! <= EXPORT_BOUNDS.rollingStart &&
  keys.periods[k]! >= 1 &&
  keys.periods[k]! <= ROLLING_PERIOD &&
  keys.transmissionRisks[k]! <= EXPORT_BOUNDS.transmissionRisk &&
  keys.reportTypes[k]! <= REPORT_TYPE.revoked &&
  (keys.daysSinceOnset[k] === NO_ONSET || Math.abs(keys.daysSinceOnset[k]!) <= MOST_DAYS_SINCE_ONSET)

/** The order of the key bytes, so that nothing can be read from the order; equal keys by what else they say. */
function sortedOrder(keys: DiagnosisKeys): Uint32Array {
  const view = new DataView(keys.keyData.buffer, keys.keyData.byteOffset, keys.keyData.byteLength)
  const columns = [keys.starts, keys.periods, keys.transmissionRisks, keys.reportTypes, keys.daysSinceOnset]
  const compare = (a: number, b: number): number => {
    for (let k = 0; k < KEY; k += 4) {
      const difference = view.getUint32(KEY * a + k) - view.getUint32(KEY * b + k)
      if (difference !== 0) return difference
    }
    for (const column of columns) if (column[a] !== column[b]) return column[a]! - column[b]!
    return 0
  }
  return Uint32Array.from({ length: keys.count }, (_, k) => k).sort(compare)
}

function putKeys(file: FieldWriter, field: number, keys: DiagnosisKeys): void {
  const record = new FieldWriter()
  for (const k of sortedOrder(keys)) {
    assert(isPublishable(keys, k), 'a key to publish is within the bounds of the format')
    record.clear()
    putKey(record, keys, k)
    file.bytesOf(field, record.bytes)
  }
}

/** Bytes of a key with all its fields, at most. */
const KEY_ROOM = 40

/** export.bin. The same header and the same sets of keys, in whatever order, give the same bytes. */
export function packExport(header: ExportHeader, keys: DiagnosisKeys, revisedKeys: DiagnosisKeys): Uint8Array {
  const file = new FieldWriter(1024 + KEY_ROOM * (keys.count + revisedKeys.count))
    .put(EXPORT_HEADER)
    .eightBytes(EXPORT_FIELD.startTimestamp, header.startTimestamp)
    .eightBytes(EXPORT_FIELD.endTimestamp, header.endTimestamp)
    .bytesOf(EXPORT_FIELD.region, ascii(header.region))
    .integer(EXPORT_FIELD.batchNumber, header.batchNumber)
    .integer(EXPORT_FIELD.batchSize, header.batchSize)
  for (const info of header.signatureInfos) file.bytesOf(EXPORT_FIELD.signatureInfos, packSignatureInfo(info))
  putKeys(file, EXPORT_FIELD.keys, keys)
  putKeys(file, EXPORT_FIELD.revisedKeys, revisedKeys)
  return file.bytes.slice()
}

/** Whether files are all batches of one group, each once: phones take a group whole or not at all. */
export const isWholeGroup = (headers: readonly ExportHeader[]): boolean =>
  headers.every(
    ({ startTimestamp, endTimestamp, region, batchSize }) =>
      startTimestamp === headers[0]!.startTimestamp &&
      endTimestamp === headers[0]!.endTimestamp &&
      region === headers[0]!.region &&
      batchSize === headers.length,
  ) && new Set(headers.map(({ batchNumber }) => batchNumber)).size === headers.length
