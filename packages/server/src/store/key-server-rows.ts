// Rows of the tables of the key server as both engines give them.
import type { UnixSeconds } from '@vicinity/protocol'
import type { IntervalNumber, ReportType } from '@vicinity/protocol/gaen'
import type { ExportWindow, StoredKey } from './key-server.ts'

type Row = Readonly<Record<string, unknown>>

/** A column that may be null, as a number. */
export const optional = (value: unknown): number | undefined => (value === null ? undefined : Number(value))

export const storedKey = (row: Row): StoredKey => ({
  key: {
    keyData: row['key_data'] as Uint8Array,
    rollingStart: row['rolling_start'] as IntervalNumber,
    rollingPeriod: row['rolling_period'] as number,
    transmissionRisk: row['risk'] as number,
    reportType: row['report_type'] as ReportType,
    daysSinceOnset: optional(row['onset']),
  },
  release: row['release'] as UnixSeconds,
  source: row['source'] as string,
  revisedAt: optional(row['revised']) as UnixSeconds | undefined,
  revision:
    row['revised'] === null
      ? undefined
      : {
          reportType: row['revised_type'] as ReportType,
          transmissionRisk: row['revised_risk'] as number,
          daysSinceOnset: optional(row['revised_onset']),
        },
})

export const exportWindow = (row: Row): ExportWindow => ({
  starts: row['starts'] as UnixSeconds,
  ends: row['ends'] as UnixSeconds,
  invented: row['invented'] as number,
  signers: (row['signers'] as string).split(' ').filter(Boolean),
  listed: row['listed'] as number,
})
