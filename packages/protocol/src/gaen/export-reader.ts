// Reads export.bin piece by piece, into columns. Whatever the file says, the reader holds a piece, a field and two blocks of keys.
// A record that cannot be read ends the reading: the reference implementation stays on it for ever.
import { concat } from '../bytes.ts'
import { Malformed } from '../outcome.ts'
import type { UnixSeconds } from '../time.ts'
import { GAEN_SIZE, ROLLING_PERIOD } from './constants.ts'
import { type DiagnosisKeys, emptyKeys, MOST_DAYS_SINCE_ONSET, REPORT_TYPE } from './diagnosis-key.ts'
import {
  ECDSA_WITH_SHA256,
  EXPORT_BOUNDS,
  EXPORT_FIELD,
  EXPORT_HEADER,
  type ExportFile,
  type ExportHeader,
  KEY_FIELD,
  SIGNATURE_INFO_FIELD,
  type SignatureInfo,
} from './export-file.ts'
import { FieldReader } from './protobuf.ts'

export type KeyList = 'keys' | 'revisedKeys'
/** Is given the keys in blocks, in the order of the file. The columns are its own to keep. */
export type TakeKeys = (list: KeyList, keys: DiagnosisKeys) => void

/** Keys of a block. */
export const KEY_BLOCK = 4096

const { temporaryExposureKey: KEY } = GAEN_SIZE
const LAST_SECOND = Number.MAX_SAFE_INTEGER

type Draft = { -readonly [name in keyof ExportHeader]: ExportHeader[name] }

/** The first `count` keys of the columns, as views. */
const firstKeys = (keys: DiagnosisKeys, count: number): DiagnosisKeys => ({
  count,
  keyData: keys.keyData.subarray(0, KEY * count),
  starts: keys.starts.subarray(0, count),
  periods: keys.periods.subarray(0, count),
  transmissionRisks: keys.transmissionRisks.subarray(0, count),
  reportTypes: keys.reportTypes.subarray(0, count),
  daysSinceOnset: keys.daysSinceOnset.subarray(0, count),
})

/** Reads one `TemporaryExposureKey` to place k of columns that hold the defaults. */
function readKey(record: FieldReader, keys: DiagnosisKeys, k: number): void {
  let hasKey = false
  while (record.next()) {
    switch (record.number) {
      case KEY_FIELD.keyData: {
        const bytes = record.bytes()
        if (bytes.length !== KEY) throw new Malformed('key_data', `${KEY} bytes, got ${bytes.length}`)
        keys.keyData.set(bytes, KEY * k)
        hasKey = true
        break
      }
      case KEY_FIELD.transmissionRisk:
        keys.transmissionRisks[k] = record.integer('transmission_risk_level', 0, EXPORT_BOUNDS.transmissionRisk)
        break
      case KEY_FIELD.rollingStart:
        keys.starts[k] = record.integer('rolling_start_interval_number', 0, EXPORT_BOUNDS.rollingStart)
        break
      case KEY_FIELD.rollingPeriod:
        keys.periods[k] = record.integer('rolling_period', 1, ROLLING_PERIOD)
        break
      case KEY_FIELD.reportType:
        keys.reportTypes[k] = record.integer('report_type', REPORT_TYPE.unknown, REPORT_TYPE.revoked)
        break
      case KEY_FIELD.daysSinceOnset:
        keys.daysSinceOnset[k] = record.signed(
          'days_since_onset_of_symptoms',
          -MOST_DAYS_SINCE_ONSET,
          MOST_DAYS_SINCE_ONSET,
        )
    }
  }
  record.finish()
  if (!hasKey) throw new Malformed('key_data', 'present in every key')
}

/** Reads a `SignatureInfo`. */
export function readSignatureInfo(message: FieldReader): SignatureInfo {
  const info = { verificationKeyVersion: '', verificationKeyId: '', signatureAlgorithm: ECDSA_WITH_SHA256 }
  const { textCharacters } = EXPORT_BOUNDS
  while (message.next()) {
    switch (message.number) {
      case SIGNATURE_INFO_FIELD.verificationKeyVersion:
        info.verificationKeyVersion = message.text('verification_key_version', textCharacters)
        break
      case SIGNATURE_INFO_FIELD.verificationKeyId:
        info.verificationKeyId = message.text('verification_key_id', textCharacters)
        break
      case SIGNATURE_INFO_FIELD.signatureAlgorithm:
        info.signatureAlgorithm = message.text('signature_algorithm', textCharacters)
    }
  }
  message.finish()
  return info
}

/** Throws `Malformed` unless it is a batch of its group: 1..size. */
export function checkBatch({ batchNumber, batchSize }: { batchNumber: number; batchSize: number }): void {
  if (batchNumber > batchSize) throw new Malformed('batch_num', 'at most batch_size')
}

/** Collects the keys of one list to blocks. */
class KeyBlocks {
  readonly #list: KeyList
  readonly #take: TakeKeys
  #keys = emptyKeys(KEY_BLOCK)
  #count = 0
  constructor(list: KeyList, take: TakeKeys) {
    this.#list = list
    this.#take = take
  }
  read(record: FieldReader): void {
    readKey(record, this.#keys, this.#count)
    this.#count++
    if (this.#count < KEY_BLOCK) return
    this.#take(this.#list, this.#keys)
    this.#keys = emptyKeys(KEY_BLOCK)
    this.#count = 0
  }
  finish(): void {
    if (this.#count > 0) this.#take(this.#list, firstKeys(this.#keys, this.#count))
  }
}

/** `feed` every piece in order, then `finish`; each throws `Malformed`. What was taken counts only when `finish` returned. */
export class ExportReader {
  readonly #header: Draft = {
    startTimestamp: 0 as UnixSeconds,
    endTimestamp: 0 as UnixSeconds,
    region: '',
    // A file that says nothing is the only one of its group.
    batchNumber: 1,
    batchSize: 1,
    signatureInfos: [],
  }
  readonly #keys: KeyBlocks
  readonly #revisedKeys: KeyBlocks
  #held: Uint8Array = new Uint8Array(0)
  #begun = false

  constructor(take: TakeKeys) {
    this.#keys = new KeyBlocks('keys', take)
    this.#revisedKeys = new KeyBlocks('revisedKeys', take)
  }

  feed(piece: Uint8Array): void {
    const bytes = this.#held.length === 0 ? piece : concat(this.#held, piece)
    if (!this.#begun && bytes.length < EXPORT_HEADER.length) {
      this.#held = bytes.slice()
      return
    }
    const fields = new FieldReader(bytes, 'export.bin', this.#begun ? 0 : this.#begin(bytes))
    while (fields.next()) this.#read(fields)
    this.#held = bytes.slice(fields.offset)
  }

  finish(): ExportHeader {
    if (!this.#begun || this.#held.length > 0) throw new Malformed('export.bin', 'a file that is not cut off')
    if (this.#header.endTimestamp < this.#header.startTimestamp) {
      throw new Malformed('end_timestamp', 'not before start_timestamp')
    }
    checkBatch(this.#header)
    this.#keys.finish()
    this.#revisedKeys.finish()
    return this.#header
  }

  #begin(bytes: Uint8Array): number {
    if (EXPORT_HEADER.some((byte, k) => bytes[k] !== byte))
      throw new Malformed('export.bin', 'the header "EK Export v1"')
    this.#begun = true
    return EXPORT_HEADER.length
  }

  #read(fields: FieldReader): void {
    const header = this.#header
    switch (fields.number) {
      case EXPORT_FIELD.keys:
        this.#keys.read(fields.message('keys'))
        break
      case EXPORT_FIELD.revisedKeys:
        this.#revisedKeys.read(fields.message('revised_keys'))
        break
      case EXPORT_FIELD.startTimestamp:
        header.startTimestamp = fields.eightBytes('start_timestamp', LAST_SECOND) as UnixSeconds
        break
      case EXPORT_FIELD.endTimestamp:
        header.endTimestamp = fields.eightBytes('end_timestamp', LAST_SECOND) as UnixSeconds
        break
      case EXPORT_FIELD.region:
        header.region = fields.text('region', EXPORT_BOUNDS.textCharacters)
        break
      case EXPORT_FIELD.batchNumber:
        header.batchNumber = fields.integer('batch_num', 1, EXPORT_BOUNDS.batchSize)
        break
      case EXPORT_FIELD.batchSize:
        header.batchSize = fields.integer('batch_size', 1, EXPORT_BOUNDS.batchSize)
        break
      case EXPORT_FIELD.signatureInfos:
        this.#addSignatureInfo(readSignatureInfo(fields.message('signature_infos')))
    }
  }

  #addSignatureInfo(info: SignatureInfo): void {
    this.#header.signatureInfos = [...this.#header.signatureInfos, info]
    if (this.#header.signatureInfos.length > EXPORT_BOUNDS.signatures) {
      throw new Malformed('signature_infos', `at most ${EXPORT_BOUNDS.signatures}`)
    }
  }
}

/** Several columns as one. */
function joinKeys(blocks: readonly DiagnosisKeys[]): DiagnosisKeys {
  const joined = emptyKeys(blocks.reduce((sum, { count }) => sum + count, 0))
  let at = 0
  for (const block of blocks) {
    joined.keyData.set(block.keyData, KEY * at)
    joined.starts.set(block.starts, at)
    joined.periods.set(block.periods, at)
    joined.transmissionRisks.set(block.transmissionRisks, at)
    joined.reportTypes.set(block.reportTypes, at)
    joined.daysSinceOnset.set(block.daysSinceOnset, at)
    at += block.count
  }
  return joined
}

/** Collects what an `ExportReader` gives away. */
export function keyCollector(): { take: TakeKeys; file: (header: ExportHeader) => ExportFile } {
  const blocks: Record<KeyList, DiagnosisKeys[]> = { keys: [], revisedKeys: [] }
  return {
    take: (list, keys) => blocks[list].push(keys),
    file: (header) => ({ header, keys: joinKeys(blocks.keys), revisedKeys: joinKeys(blocks.revisedKeys) }),
  }
}

/** export.bin in one piece. Throws `Malformed`; fields that we do not know are passed over. No signature is looked at. */
export function readExport(bytes: Uint8Array): ExportFile {
  const collector = keyCollector()
  const reader = new ExportReader(collector.take)
  reader.feed(bytes)
  return collector.file(reader.finish())
}
