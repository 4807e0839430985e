// What becomes of keys that a key server already has: nothing, a revision, or a refusal (revisions of the deployed key server).
import { equalBytes } from '#crypto'
import { toHex } from '../bytes.ts'
import { accepted, type Outcome, refused } from '../outcome.ts'
import type { UnixSeconds } from '../time.ts'
import { INTERVAL_SECONDS } from './constants.ts'
import { type DiagnosisKey, REPORT_TYPE, type ReportType } from './diagnosis-key.ts'
import { type AdmittedKey, PUBLISH } from './publish.ts'
import { REVISABLE_KEYS, type RevisableKey } from './revision-token.ts'

/** What a key says since it was revised. */
export interface Revision {
  readonly reportType: ReportType
  readonly transmissionRisk: number
  readonly daysSinceOnset: number | undefined
}

/** A key that the server has. */
export interface KnownKey {
  /** As it was first published; that never changes. */
  readonly key: DiagnosisKey
  readonly revision: Revision | undefined
}

const TRANSITIONS: ReadonlyMap<ReportType, readonly ReportType[]> = new Map([
  [REPORT_TYPE.confirmedClinicalDiagnosis, [REPORT_TYPE.confirmedTest, REPORT_TYPE.revoked]],
  [
    REPORT_TYPE.selfReport,
    [REPORT_TYPE.confirmedTest, REPORT_TYPE.confirmedClinicalDiagnosis, REPORT_TYPE.revoked] as ReportType[],
  ],
])
/** Reports that a report may turn into, once; none for one that was confirmed. */
export const transitionsFrom = (reportType: ReportType): readonly ReportType[] => TRANSITIONS.get(reportType) ?? []

export type RevisionRefusal =
  | 'missing_revision_token'
  | 'invalid_revision_token'
  | 'key_already_revised'
  | 'invalid_report_type_transition'
  | 'internal_error'

/** What a publish changes. */
export interface PublishPlan {
  readonly inserts: readonly AdmittedKey[]
  readonly revisions: readonly { readonly keyData: Uint8Array; readonly revision: Revision }[]
  /** What the next token lists. */
  readonly revisable: readonly RevisableKey[]
}

/**
 * Decides about all keys of a publish at once: one refusal refuses all. `known` has the keys that the server has, by the hexadecimal
 * digits of their bytes. `token`: what the revision token lists; 'none' where none came, 'invalid' where it does not open.
 */
export function planPublish(
  admitted: readonly AdmittedKey[],
  known: ReadonlyMap<string, KnownKey>,
  token: readonly RevisableKey[] | 'none' | 'invalid',
  at: UnixSeconds,
): Outcome<PublishPlan, RevisionRefusal> {
  const listed = typeof token === 'string' ? [] : token
  const byKey = new Map(admitted.map((entry) => [toHex(entry.key.keyData), entry]))
  const inserts: AdmittedKey[] = []
  const revisions: PublishPlan['revisions'][number][] = []
  const named: RevisableKey[] = []
  for (const [name, entry] of byKey) {
    const before = known.get(name)
    if (before === undefined) {
      // A negative test is there to take back: by itself it publishes nothing.
      if (entry.key.reportType !== REPORT_TYPE.revoked) inserts.push(entry)
      named.push(entry.key)
      continue
    }
    if (token === 'none') return refused('missing_revision_token')
    const refusal = refusalOf(before, entry.key, token === 'invalid' ? [] : listed)
    if (refusal !== undefined) return refused(refusal)
    const { reportType } = entry.key
    if (reportType === before.key.reportType || reportType === before.revision?.reportType) continue
    revisions.push({ keyData: entry.key.keyData, revision: entry.key })
  }
  return accepted({ inserts, revisions, revisable: union(named, listed, at) })
}

/** Why a key that the server has may not be published so. The token comes first: without it nobody learns anything of the key. */
function refusalOf(before: KnownKey, now: DiagnosisKey, listed: readonly RevisableKey[]): RevisionRefusal | undefined {
  const entry = listed.find(({ keyData }) => equalBytes(keyData, now.keyData))
  if (entry === undefined || !isSamePeriod(entry, before.key)) return 'invalid_revision_token'
  // The deployed server has no code of its own for it.
  if (!isSamePeriod(now, before.key)) return 'internal_error'
  if (now.reportType === before.key.reportType || now.reportType === before.revision?.reportType) return undefined
  if (before.revision !== undefined) return 'key_already_revised'
  return transitionsFrom(before.key.reportType).includes(now.reportType) ? undefined : 'invalid_report_type_transition'
}

const isSamePeriod = (a: Omit<RevisableKey, 'keyData'>, b: Omit<RevisableKey, 'keyData'>): boolean =>
  a.rollingStart === b.rollingStart && a.rollingPeriod === b.rollingPeriod

/** A token is bounded although it lists what older ones listed. */
const MOST_REVISABLE = 3 * REVISABLE_KEYS

/** The keys of this publish and those of its token that are young enough to be published again. */
function union(
  now: readonly RevisableKey[],
  before: readonly RevisableKey[],
  at: UnixSeconds,
): readonly RevisableKey[] {
  const names = new Set(now.map(({ keyData }) => toHex(keyData)))
  const oldest = Math.floor((at - PUBLISH.mostAgeSeconds) / INTERVAL_SECONDS)
  const kept = before.filter((key) => key.rollingStart + key.rollingPeriod >= oldest && !names.has(toHex(key.keyData)))
  return [...now, ...kept]
    .slice(0, MOST_REVISABLE)
    .map(({ keyData, rollingStart, rollingPeriod }) => ({ keyData, rollingStart, rollingPeriod }))
}
