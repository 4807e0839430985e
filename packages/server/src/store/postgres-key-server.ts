import { toHex, type UnixSeconds } from '@vicinity/protocol'
import type { KeyRevision, KeyServerVerbs } from './key-server.ts'
import { exportWindow, optional, storedKey } from './key-server-rows.ts'
import type { Query } from './postgres-transaction.ts'

const KEY_COLUMNS = `key_data, rolling_start, rolling_period, risk, report_type, onset, release, source, revised,
  revised_risk, revised_type, revised_onset`

/** Statements of the key server, by the name under which they are reported. Those of many keys lock them in one order. */
export const POSTGRES_KEY_SERVER_SQL = {
  diagnosisKey: `select ${KEY_COLUMNS} from diagnosis_key where key_data = any($1::bytea[])`,
  addDiagnosisKey: `insert into diagnosis_key(key_data, rolling_start, rolling_period, risk, report_type, onset, release,
    source) select * from unnest($1::bytea[], $2::int8[], $3::int4[], $4::int4[], $5::int4[], $6::int4[], $7::int8[], $8::text[])
    x(key_data) where length(key_data) > 0 order by key_data on conflict do nothing`,
  reviseDiagnosisKey: `with locked as materialized (select key_data from diagnosis_key where key_data = any($1::bytea[])
      order by key_data for update)
    update diagnosis_key k set revised = x.revised, revised_risk = x.risk, revised_type = x.type, revised_onset = x.onset
    from unnest($1::bytea[], $2::text[], $3::int8[], $4::int4[], $5::int4[], $6::int4[])
      x(key_data, source, revised, risk, type, onset)
    where (x.key_data in (select key_data from locked)) is true
      and k.key_data = x.key_data and k.source = x.source and k.revised is null`,
  keysReleased: `select ${KEY_COLUMNS} from diagnosis_key where release >= $1 and release < $2 order by key_data`,
  keysRevised: `select ${KEY_COLUMNS} from diagnosis_key where revised >= $1 and revised < $2 order by key_data`,
  oldestRelease: 'select min(release) as release from diagnosis_key',
  forgetDiagnosisKeys: 'delete from diagnosis_key where release < $1',
  exportWindows: 'select starts, ends, invented, signers, listed from export_window order by starts',
  addExportWindow: `insert into export_window(starts, ends, invented, signers, listed) values ($1, $2, $3, $4, $5)
    on conflict do nothing`,
  listExportWindow: 'update export_window set listed = $2 where starts = $1',
  removeExportWindow: 'delete from export_window where starts = $1',
  importedFiles: 'select path from imported_file where peer = $1',
  noteImported: `insert into imported_file(peer, path, seen) values ($1, $2, $3)
    on conflict(peer, path) do update set seen = excluded.seen`,
  forgetImported: 'delete from imported_file where seen < $1',
} as const

/** The first of each key and source: of two rows with one key a statement would take either. */
const firstOfEach = (revisions: readonly KeyRevision[]): KeyRevision[] => {
  const first = new Map<string, KeyRevision>()
  for (const revision of revisions) {
    const name = `${toHex(revision.keyData)} ${revision.source}`
    if (!first.has(name)) first.set(name, revision)
  }
  return [...first.values()]
}

export const postgresKeyServerVerbs = (query: Query): KeyServerVerbs => ({
  ...keyVerbs(query),
  ...exportVerbs(query),
  ...importVerbs(query),
})

type ExportVerb = 'exportWindows' | 'addExportWindow' | 'listExportWindow' | 'removeExportWindow'
type ImportVerb = 'importedFiles' | 'noteImported' | 'forgetImported'

function keyVerbs(query: Query): Omit<KeyServerVerbs, ExportVerb | ImportVerb> {
  return {
    async diagnosisKeysOf(keys) {
      const { rows } = await query('diagnosisKey', [keys])
      const stored = new Map(rows.map((row) => [toHex(row['key_data'] as Uint8Array), storedKey(row)]))
      return keys.map((key) => stored.get(toHex(key)))
    },
    async addDiagnosisKeys(rows) {
      const keys = rows.map(({ key }) => key)
      const added = await query('addDiagnosisKey', [
        keys.map(({ keyData }) => keyData),
        keys.map(({ rollingStart }) => rollingStart),
        keys.map(({ rollingPeriod }) => rollingPeriod),
        keys.map(({ transmissionRisk }) => transmissionRisk),
        keys.map(({ reportType }) => reportType),
        keys.map(({ daysSinceOnset }) => daysSinceOnset),
        rows.map(({ release }) => release),
        rows.map(({ source }) => source),
      ])
      return added.count
    },
    async reviseDiagnosisKeys(revisions) {
      const rows = firstOfEach(revisions)
      const revised = await query('reviseDiagnosisKey', [
        rows.map(({ keyData }) => keyData),
        rows.map(({ source }) => source),
        rows.map(({ revisedAt }) => revisedAt),
        rows.map(({ revision }) => revision.transmissionRisk),
        rows.map(({ revision }) => revision.reportType),
        rows.map(({ revision }) => revision.daysSinceOnset),
      ])
      return revised.count
    },
    async keysReleased(from, before) {
      return (await query('keysReleased', [from, before])).rows.map(storedKey)
    },
    async keysRevised(from, before) {
      return (await query('keysRevised', [from, before])).rows.map(storedKey)
    },
    async oldestRelease() {
      return optional((await query('oldestRelease')).rows[0]?.['release']) as UnixSeconds | undefined
    },
    async forgetDiagnosisKeys(releasedBefore) {
      await query('forgetDiagnosisKeys', [releasedBefore])
    },
  }
}

function exportVerbs(query: Query): Pick<KeyServerVerbs, ExportVerb> {
  return {
    async exportWindows() {
      return (await query('exportWindows')).rows.map(exportWindow)
    },
    async addExportWindow({ starts, ends, invented, signers, listed }) {
      return (await query('addExportWindow', [starts, ends, invented, signers.join(' '), listed])).count === 1
    },
    async listExportWindow(starts, files) {
      await query('listExportWindow', [starts, files])
    },
    async removeExportWindow(starts) {
      await query('removeExportWindow', [starts])
    },
  }
}

function importVerbs(query: Query): Pick<KeyServerVerbs, ImportVerb> {
  return {
    async importedFiles(peer) {
      return new Set((await query('importedFiles', [peer])).rows.map((row) => row['path'] as string))
    },
    async noteImported(peer, path, at) {
      await query('noteImported', [peer, path, at])
    },
    async forgetImported(notedBefore) {
      await query('forgetImported', [notedBefore])
    },
  }
}
