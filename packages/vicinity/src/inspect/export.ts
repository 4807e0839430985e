import type { UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import {
  type DiagnosisKeys,
  type ExportHeader,
  intervalStart,
  isSigned,
  NO_ONSET,
  REPORT_TYPE,
  ROLLING_PERIOD,
  readSignatures,
  refusalOfPair,
} from '@vicinity/protocol/gaen'
import { Command } from 'commander'
import { readPublicKey } from '../public-key.ts'
import { orUsageError, type ReadExport, readExportFile } from './export-files.ts'
import { utc } from './fields.ts'

interface ExportOptions {
  readonly key?: string
  readonly json?: boolean
}

/** How many keys say what. */
export interface KeyCounts {
  readonly reportTypes: Readonly<Record<string, number>>
  /** Keys that hold for less than a day. */
  readonly shortPeriods: number
  readonly withOnset: number
  /** By the UTC day that they start on. */
  readonly days: Readonly<Record<string, number>>
}

export interface InspectedExport extends Omit<ExportHeader, 'startTimestamp' | 'endTimestamp'> {
  readonly start: string
  readonly end: string
  readonly keys: number
  readonly revisedKeys: number
  readonly keysBy: KeyCounts
  readonly revisedKeysBy: KeyCounts
  /** Signatures that come with the file. */
  readonly signatures: number
  /** Null where no key was given. */
  readonly verified: boolean | null
}

export function exportCommand(): Command {
  return new Command('export')
    .description('An export of exposure keys (GAEN): its archive, or its export.bin')
    .argument('<file>', 'a .zip or .bin')
    .option('--key <pem>', 'file with the public key of its signature, P-256: verifies it')
    .action((file: string, options: ExportOptions) => {
      const inspected = inspectExport(file, options)
      console.log(options.json ? JSON.stringify(inspected) : exportTable(inspected))
    })
}

export function inspectExport(path: string, { key }: ExportOptions): InspectedExport {
  const point = key === undefined ? undefined : orUsageError(key, () => readPublicKey(key))
  const read = readExportFile(path)
  const { startTimestamp, endTimestamp, ...header } = read.file.header
  return {
    start: utc(startTimestamp),
    end: utc(endTimestamp),
    ...header,
    keys: read.file.keys.count,
    revisedKeys: read.file.revisedKeys.count,
    keysBy: countKeys(read.file.keys),
    revisedKeysBy: countKeys(read.file.revisedKeys),
    ...orUsageError(path, () => inspectSignatures(read, point)),
  }
}

/** Verified with one of the signatures: whoever has only the key knows no names of it. */
function inspectSignatures(
  { bin, sig, file }: ReadExport,
  point: Uint8Array | undefined,
): Pick<InspectedExport, 'signatures' | 'verified'> {
  const signatures = sig === undefined ? [] : readSignatures(sig)
  if (point === undefined) return { signatures: signatures.length, verified: null }
  const keys = signatures.map(({ info }) => ({
    keyId: info.verificationKeyId,
    keyVersion: info.verificationKeyVersion,
    point,
  }))
  const verified = isSigned(sha256(bin), signatures, keys) && refusalOfPair(file.header, signatures) === undefined
  return { signatures: signatures.length, verified }
}

const NAMES = Object.entries(REPORT_TYPE)

function countKeys(keys: DiagnosisKeys): KeyCounts {
  const count = (holds: (k: number) => boolean): number =>
    Array.from({ length: keys.count }, (_, k) => k).filter(holds).length
  const days = new Map<string, number>()
  for (const start of keys.starts) {
    const day = utc(intervalStart(start) as UnixSeconds).slice(0, 10)
    days.set(day, (days.get(day) ?? 0) + 1)
  }
  const types = NAMES.map(([name, type]) => [name, count((k) => keys.reportTypes[k] === type)] as const)
  return {
    reportTypes: Object.fromEntries(types.filter(([, number]) => number > 0)),
    shortPeriods: count((k) => keys.periods[k]! < ROLLING_PERIOD),
    withOnset: count((k) => keys.daysSinceOnset[k] !== NO_ONSET),
    days: Object.fromEntries([...days].sort()),
  }
}

function keyLines(name: string, number: number, { reportTypes, shortPeriods, withOnset, days }: KeyCounts): string[] {
  const row = (what: string, count: number): string => `  ${what.padEnd(26)} ${String(count).padStart(8)}`
  if (number === 0) return [`${name.padEnd(28)} ${'0'.padStart(8)}`]
  return [
    `${name.padEnd(28)} ${String(number).padStart(8)}`,
    ...Object.entries(reportTypes).map(([type, count]) => row(type, count)),
    row('less than a day', shortPeriods),
    row('with days since onset', withOnset),
    ...Object.entries(days).map(([day, count]) => row(`from ${day}`, count)),
  ]
}

/** For people. */
export function exportTable(inspected: InspectedExport): string {
  const { start, end, region, batchNumber, batchSize, signatureInfos, signatures, verified } = inspected
  const fields: [string, string | number][] = [
    ['region', region],
    ['keys from', start],
    ['until before', end],
    ['batch', `${batchNumber} of ${batchSize}`],
    ...signatureInfos.map((info): [string, string] => [
      'signed with',
      `key '${info.verificationKeyId}' version '${info.verificationKeyVersion}', algorithm ${info.signatureAlgorithm}`,
    ]),
    ['signatures', signatures],
    ['verified', verified === null ? 'no key given' : verified ? 'yes' : 'NO'],
  ]
  return [
    ...fields.map(([name, value]) => `${name.padEnd(14)} ${value}`),
    ...keyLines('keys', inspected.keys, inspected.keysBy),
    ...keyLines('revised keys', inspected.revisedKeys, inspected.revisedKeysBy),
  ].join('\n')
}
