import type { StatementSync } from 'node:sqlite'
import type { UnixSeconds } from '@vicinity/protocol'
import type { KeyServerVerbs } from './key-server.ts'
import { exportWindow, optional, storedKey } from './key-server-rows.ts'

const KEY_COLUMNS = `key_data, rolling_start, rolling_period, risk, report_type, onset, release, source, revised,
  revised_risk, revised_type, revised_onset`

/** Statements of the key server, by the name under which they are reported. */
export const KEY_SERVER_SQL = {
  diagnosisKey: `select ${KEY_COLUMNS} from diagnosis_key where key_data = ?`,
  addDiagnosisKey: `insert into diagnosis_key(key_data, rolling_start, rolling_period, risk, report_type, onset, release,
    source) select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 where length(?1) > 0 on conflict do nothing`,
  reviseDiagnosisKey: `update diagnosis_key set revised = ?3, revised_risk = ?4, revised_type = ?5, revised_onset = ?6
    where key_data = ?1 and source = ?2 and revised is null`,
  keysReleased: `select ${KEY_COLUMNS} from diagnosis_key where release >= ? and release < ? order by key_data`,
  keysRevised: `select ${KEY_COLUMNS} from diagnosis_key where revised >= ? and revised < ? order by key_data`,
  oldestRelease: 'select min(release) as release from diagnosis_key',
  forgetDiagnosisKeys: 'delete from diagnosis_key where release < ?',
  exportWindows: 'select starts, ends, invented, signers, listed from export_window order by starts',
  addExportWindow: `insert into export_window(starts, ends, invented, signers, listed) values (?, ?, ?, ?, ?)
    on conflict do nothing`,
  listExportWindow: 'update export_window set listed = ?2 where starts = ?1',
  removeExportWindow: 'delete from export_window where starts = ?',
  importedFiles: 'select path from imported_file where peer = ?',
  noteImported: `insert into imported_file(peer, path, seen) values (?, ?, ?)
    on conflict(peer, path) do update set seen = excluded.seen`,
  forgetImported: 'delete from imported_file where seen < ?',
} as const

type Statement = (name: keyof typeof KEY_SERVER_SQL) => StatementSync

export const keyServerVerbs = (statement: Statement): KeyServerVerbs => ({
  ...keyVerbs(statement),
  ...exportVerbs(statement),
  ...importVerbs(statement),
})

type KeyVerbs = Omit<KeyServerVerbs, keyof ReturnType<typeof exportVerbs> | keyof ReturnType<typeof importVerbs>>

function keyVerbs(statement: Statement): KeyVerbs {
  return {
    async diagnosisKeysOf(keys) {
      const rows = keys.map((key) => statement('diagnosisKey').get(key))
      return rows.map((row) => (row === undefined ? undefined : storedKey(row)))
    },
    async addDiagnosisKeys(keys) {
      let added = 0
      for (const { key, release, source } of keys) {
        const { keyData, rollingStart, rollingPeriod, transmissionRisk, reportType, daysSinceOnset = null } = key
        const values = [keyData, rollingStart, rollingPeriod, transmissionRisk, reportType, daysSinceOnset] as const
        added += Number(statement('addDiagnosisKey').run(...values, release, source).changes)
      }
      return added
    },
    async reviseDiagnosisKeys(revisions) {
      let revised = 0
      for (const { keyData, source, revisedAt, revision } of revisions) {
        const { transmissionRisk, reportType, daysSinceOnset = null } = revision
        const values = [keyData, source, revisedAt, transmissionRisk, reportType, daysSinceOnset] as const
        revised += Number(statement('reviseDiagnosisKey').run(...values).changes)
      }
      return revised
    },
    async keysReleased(from, before) {
      return statement('keysReleased').all(from, before).map(storedKey)
    },
    async keysRevised(from, before) {
      return statement('keysRevised').all(from, before).map(storedKey)
    },
    async oldestRelease() {
      return optional(statement('oldestRelease').get()?.['release']) as UnixSeconds | undefined
    },
    async forgetDiagnosisKeys(releasedBefore) {
      statement('forgetDiagnosisKeys').run(releasedBefore)
    },
  }
}

function exportVerbs(
  statement: Statement,
): Pick<KeyServerVerbs, 'exportWindows' | 'addExportWindow' | 'listExportWindow' | 'removeExportWindow'> {
  return {
    async exportWindows() {
      return statement('exportWindows').all().map(exportWindow)
    },
    async addExportWindow({ starts, ends, invented, signers, listed }) {
      return statement('addExportWindow').run(starts, ends, invented, signers.join(' '), listed).changes === 1
    },
    async listExportWindow(starts, files) {
      statement('listExportWindow').run(starts, files)
    },
    async removeExportWindow(starts) {
      statement('removeExportWindow').run(starts)
    },
  }
}

function importVerbs(statement: Statement): Pick<KeyServerVerbs, 'importedFiles' | 'noteImported' | 'forgetImported'> {
  return {
    async importedFiles(peer) {
      return new Set(
        statement('importedFiles')
          .all(peer)
          .map((row) => row['path'] as string),
      )
    },
    async noteImported(peer, path, at) {
      statement('noteImported').run(peer, path, at)
    },
    async forgetImported(notedBefore) {
      statement('forgetImported').run(notedBefore)
    },
  }
}
