import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import {
  columnsOf,
  type DiagnosisKey,
  type ExportHeader,
  type IntervalNumber,
  packArchive,
  packExport,
  signExport,
  unpackArchive,
} from '@vicinity/protocol/gaen'
import { exportTable, inspectExport } from '../src/inspect/export.ts'
import { inspectPadding, paddingTable } from '../src/inspect/padding.ts'
import { ROOT, run } from './command.ts'

const DATA = `${ROOT}data/gaen/`
const GENS = `${DATA}gens-testExport-2-records-1-of-1.zip`
const MIDNIGHT = Date.UTC(2026, 2, 5) / 1000

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinity-exports-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const keyOf = (name: string, more: Partial<DiagnosisKey> = {}): DiagnosisKey => ({
  keyData: sha256(new TextEncoder().encode(name)).subarray(0, 16),
  rollingStart: (MIDNIGHT / 600 - 144) as IntervalNumber,
  rollingPeriod: 144,
  transmissionRisk: 2,
  reportType: 1,
  daysSinceOnset: undefined,
  ...more,
})

const HEADER: ExportHeader = {
  startTimestamp: MIDNIGHT as UnixSeconds,
  endTimestamp: (MIDNIGHT + 86_400) as UnixSeconds,
  region: 'XY',
  batchNumber: 1,
  batchSize: 1,
  signatureInfos: [
    { verificationKeyVersion: 'v1', verificationKeyId: '999', signatureAlgorithm: '1.2.840.10045.4.3.2' },
  ],
}

/** An archive with keys of these names. */
function archiveOf(keys: readonly DiagnosisKey[], revised: readonly DiagnosisKey[] = []): Uint8Array {
  const bin = packExport(HEADER, columnsOf(keys), columnsOf(revised))
  return packArchive(bin, signExport(bin, HEADER, [new Uint8Array(32).fill(5)]))
}

test('inspect export reads the sample of the deployed server and verifies its signature', async () => {
  const { code, out } = await run(['inspect', 'export', GENS, '--key', `${DATA}gens-public.pem`, '--json'])
  assert.equal(code, 0)
  assert.equal(out.trim().split('\n').length, 1)
  const none = { reportTypes: {}, shortPeriods: 0, withOnset: 0, days: {} }
  assert.deepEqual(JSON.parse(out), {
    start: '2020-05-22T15:00:00Z',
    end: '2020-05-23T15:00:00Z',
    region: 'US',
    batchNumber: 1,
    batchSize: 1,
    signatureInfos: [
      { verificationKeyVersion: '1', verificationKeyId: 'some_id', signatureAlgorithm: '1.2.840.10045.4.3.2' },
    ],
    keys: 2,
    revisedKeys: 0,
    keysBy: {
      reportTypes: { unknown: 2 },
      shortPeriods: 2,
      withOnset: 0,
      days: { '2020-05-19': 1, '2020-05-20': 1 },
    },
    revisedKeysBy: none,
    signatures: 1,
    verified: true,
  })
})

test('inspect export: no key, verified is null; another key or no signature, false', (t) => {
  assert.equal(inspectExport(GENS, {}).verified, null)
  const file = join(folderFor(t), 'other.zip')
  writeFileSync(file, archiveOf([keyOf('one')]))
  assert.equal(inspectExport(file, { key: `${DATA}gens-public.pem` }).verified, false)
  const raw = `${DATA}internals-raw-export.bin`
  const inspected = inspectExport(raw, { key: `${DATA}gens-public.pem` })
  assert.deepEqual([inspected.verified, inspected.signatures, inspected.keys], [false, 0, 110])
  // The retired field is passed over; what the file does not say has its default.
  assert.deepEqual(inspected.signatureInfos, [
    { verificationKeyVersion: '', verificationKeyId: '', signatureAlgorithm: '1.2.840.10045.4.3.2' },
  ])
})

test('inspect export: a table for people, with key counts by kind', (t) => {
  const file = join(folderFor(t), 'one.zip')
  const keys = [keyOf('a'), keyOf('b', { rollingPeriod: 70 }), keyOf('c', { reportType: 3, daysSinceOnset: -2 })]
  writeFileSync(file, archiveOf(keys, [keyOf('d', { reportType: 5 })]))
  const lines = exportTable(inspectExport(file, {})).split('\n')
  assert.deepEqual(lines, [
    'region         XY',
    'keys from      2026-03-05T00:00:00Z',
    'until before   2026-03-06T00:00:00Z',
    'batch          1 of 1',
    "signed with    key '999' version 'v1', algorithm 1.2.840.10045.4.3.2",
    'signatures     1',
    'verified       no key given',
    'keys                                3',
    '  confirmedTest                     2',
    '  selfReport                        1',
    '  less than a day                   1',
    '  with days since onset             1',
    '  from 2026-03-04                   3',
    'revised keys                        1',
    '  revoked                           1',
    '  less than a day                   0',
    '  with days since onset             0',
    '  from 2026-03-04                   1',
  ])
})

test('inspect export: what is no export is refused in one line', async (t) => {
  const folder = folderFor(t)
  const { bin } = unpackArchive(readFileSync(GENS))
  writeFileSync(join(folder, 'cut.bin'), bin.subarray(0, -1))
  const { code, error } = await run(['inspect', 'export', join(folder, 'cut.bin')])
  assert.equal(code, 1)
  assert.equal(error, `vicinity: ${join(folder, 'cut.bin')} is no export: export.bin: a file that is not cut off\n`)
  assert.throws(() => inspectExport(join(folder, 'none.zip'), {}), /none\.zip cannot be read \(ENOENT\)/)
  assert.throws(() => inspectExport(GENS, { key: join(folder, 'cut.bin') }), /must hold a public key on P-256 in PEM/)
  writeFileSync(join(folder, 'large.zip'), new Uint8Array(20 * 1024 * 1024 + 1))
  assert.throws(() => inspectExport(join(folder, 'large.zip'), {}), /archive: at most 20971520 bytes/)
})

test('inspect padding: keys that one of two exports of a window has not were invented; it ends with 1', async (t) => {
  const folder = folderFor(t)
  const stay = Array.from({ length: 90 }, (_, k) => keyOf(`stays ${k}`))
  const gone = Array.from({ length: 30 }, (_, k) => keyOf(`gone ${k}`))
  writeFileSync(join(folder, '1.zip'), archiveOf([...stay, ...gone]))
  writeFileSync(join(folder, '2.zip'), archiveOf(stay))
  const { code, out } = await run(['inspect', 'padding', folder, '--json', '--keys'])
  assert.equal(code, 1)
  const found = JSON.parse(out)
  assert.deepEqual(
    { ...found, invented: found.invented.length },
    {
      files: 2,
      keys: 120,
      toldReal: 0,
      toldInvented: 30,
      findings: [
        {
          rule: 'vanished',
          region: 'XY',
          list: 'keys',
          files: ['1.zip'],
          real: 0,
          invented: 30,
          narrowed: 90,
        },
      ],
      real: [],
      invented: 30,
    },
  )
  assert.deepEqual(found.invented, gone.map(({ keyData }) => toHex(keyData)).sort())
  const table = paddingTable(inspectPadding(folder, { keys: true })).split('\n')
  assert.deepEqual(table.slice(0, 5), [
    'files                 2',
    'keys                120',
    'told real             0',
    'told invented        30',
    'keys of XY, 1 file: 30 keys missing where they would have to be again: invented; 90 remain',
  ])
  assert.equal(table.length, 5 + 30)
})

test('inspect padding: where nothing tells, it ends with 0; without exports it says so', async (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, '1.zip'), archiveOf(Array.from({ length: 90 }, (_, k) => keyOf(`${k}`))))
  const { code, out } = await run(['inspect', 'padding', folder])
  assert.deepEqual([code, out.trim().split('\n').at(-1)], [0, 'Nothing tells them apart.'])
  assert.throws(() => inspectPadding(folderFor(t), {}), /holds no exports/)
})

test('inspect padding: lists without padding, and revised keys among them', (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, '1.zip'), archiveOf([keyOf('a'), keyOf('b')], [keyOf('c')]))
  const inspected = inspectPadding(folder, {})
  assert.equal(inspected.toldReal, 3)
  assert.match(paddingTable(inspected), /^revised keys of XY, 1 file: 1 key in lists too small to be padded: real$/m)
})
