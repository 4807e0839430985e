// The verbs of the key server, on every engine.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { toHex, type UnixSeconds } from '@vicinity/protocol'
import type { DiagnosisKey, IntervalNumber } from '@vicinity/protocol/gaen'
import { type ExportWindow, HERE, type KeyRevision, type NewKey, NO_KEY } from '../src/store/key-server.ts'
import { openStore } from '../src/store/open.ts'
import type { Store } from '../src/store/store.ts'
import { randomOf } from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const random = randomOf('key server store')
const at = (time: number) => time as UnixSeconds
const postgres = await throwawayDatabases(after)
const ENGINES: readonly (readonly [string, () => Promise<Store>, string | false])[] = [
  ['sqlite', async () => openStore('sqlite::memory:'), false],
  ['postgres', async () => openStore(await postgres.newDatabase()), postgres.without],
]

const newKey = (changes: Partial<DiagnosisKey> = {}, row: Partial<NewKey> = {}): NewKey => ({
  key: {
    keyData: random(16),
    rollingStart: 0xffffffff as IntervalNumber,
    rollingPeriod: 1,
    transmissionRisk: 8,
    reportType: 2,
    daysSinceOnset: -14,
    ...changes,
  },
  release: at(7200),
  source: HERE,
  ...row,
})
const revisionOf = ({ key, source }: NewKey, changes: Partial<KeyRevision> = {}): KeyRevision => ({
  keyData: key.keyData,
  revision: { reportType: 5, transmissionRisk: 6, daysSinceOnset: undefined },
  revisedAt: at(10_800),
  source,
  ...changes,
})
const namesOf = (rows: readonly { readonly key: DiagnosisKey }[]) => rows.map(({ key }) => toHex(key.keyData))

const CHECKS: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  'a key comes back as it was stored, and stays as it first was': async (store) => {
    const [full, bare] = [newKey(), newKey({ daysSinceOnset: undefined })]
    await store.transaction(async (tx) => {
      assert.equal(await tx.addDiagnosisKeys([full, bare]), 2)
      assert.equal(await tx.addDiagnosisKeys([{ ...full, release: at(0), source: 'other' }]), 0)
      const [first, none, second] = await tx.diagnosisKeysOf([full.key.keyData, random(16), bare.key.keyData])
      assert.deepEqual(first, { ...full, revision: undefined, revisedAt: undefined })
      assert.equal(none, undefined)
      assert.deepEqual(second, { ...bare, revision: undefined, revisedAt: undefined })
    })
  },
  'what stands for no key is not stored, not found and not revised': async (store) => {
    await store.transaction(async (tx) => {
      const none = { ...newKey(), key: NO_KEY }
      assert.equal(await tx.addDiagnosisKeys([none]), 0)
      assert.deepEqual(await tx.diagnosisKeysOf([NO_KEY.keyData]), [undefined])
      assert.equal(await tx.reviseDiagnosisKeys([revisionOf(none)]), 0)
    })
  },
  'a key is revised once, by where it came from': async (store) => {
    const key = newKey({}, { source: 'peer' })
    await store.transaction(async (tx) => {
      await tx.addDiagnosisKeys([key])
      assert.equal(await tx.reviseDiagnosisKeys([revisionOf(key, { source: HERE })]), 0)
      assert.equal(await tx.reviseDiagnosisKeys([revisionOf(key)]), 1)
      assert.equal(await tx.reviseDiagnosisKeys([revisionOf(key, { revisedAt: at(0) })]), 0)
      const [row] = await tx.keysRevised(at(10_800), at(10_801))
      assert.deepEqual(row, { ...key, revision: revisionOf(key).revision, revisedAt: 10_800 })
      assert.deepEqual(await tx.keysRevised(at(0), at(10_800)), [])
    })
  },
  'keys are found by their release, ascending, from a time on and before another': async (store) => {
    const keys = [0, 3600, 3600, 7200].map((release) => newKey({}, { release: at(release) }))
    await store.transaction(async (tx) => {
      assert.equal(await tx.oldestRelease(), undefined)
      await tx.addDiagnosisKeys(keys)
      assert.equal(await tx.oldestRelease(), 0)
      const found = namesOf(await tx.keysReleased(at(3600), at(7200)))
      assert.deepEqual(found, namesOf(keys.slice(1, 3)).sort())
      await tx.forgetDiagnosisKeys(at(3600))
      assert.equal(await tx.oldestRelease(), 3600)
    })
  },
  'windows are made once, listed and removed': async (store) => {
    const window: ExportWindow = { starts: at(10), ends: at(20), invented: 3, signers: ['v1', 'v2'], listed: 0 }
    await store.transaction(async (tx) => {
      assert.equal(await tx.addExportWindow({ ...window, starts: at(30), signers: [] }), true)
      assert.equal(await tx.addExportWindow(window), true)
      assert.equal(await tx.addExportWindow({ ...window, invented: 4 }), false)
      await tx.listExportWindow(at(10), 2)
      assert.deepEqual(await tx.exportWindows(), [
        { ...window, listed: 2 },
        { ...window, starts: 30, signers: [] },
      ])
      await tx.removeExportWindow(at(10))
      assert.equal((await tx.exportWindows()).length, 1)
    })
  },
  'files that were read are remembered by peer until they were not noted for long': async (store) => {
    await store.transaction(async (tx) => {
      await tx.noteImported('east', 'a', at(1))
      await tx.noteImported('east', 'b', at(1))
      await tx.noteImported('west', 'a', at(5))
      await tx.noteImported('east', 'b', at(5))
      assert.deepEqual(await tx.importedFiles('east'), new Set(['a', 'b']))
      await tx.forgetImported(at(5))
      assert.deepEqual(await tx.importedFiles('east'), new Set(['b']))
      assert.deepEqual(await tx.importedFiles('west'), new Set(['a']))
    })
  },
}

for (const [engine, open, skip] of ENGINES) {
  for (const [title, check] of Object.entries(CHECKS)) {
    test(`key server in ${engine}: ${title}`, { skip }, async (t) => {
      const store = await open()
      t.after(() => store.close())
      await check(store)
    })
  }
}
