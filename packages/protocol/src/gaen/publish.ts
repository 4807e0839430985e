// What a key server takes: the publish of the deployed key server, version 1. Each rule and each code is the deployed one.
import { accepted, type Outcome, refused } from '../outcome.ts'
import { DAY_SECONDS, dayOf, dayStart, type UnixSeconds } from '../time.ts'
import { fromBase64 } from './base64.ts'
import type { TestType } from './certificate.ts'
import { GAEN_SIZE, INTERVAL_SECONDS, RETENTION_DAYS, ROLLING_PERIOD } from './constants.ts'
import { type DiagnosisKey, MOST_DAYS_SINCE_ONSET, REPORT_TYPE, type ReportType } from './diagnosis-key.ts'
import { type IntervalNumber, intervalAt, intervalStart } from './interval.ts'
import type { PublishRequest } from './publish-request.ts'

/** Limits of a publish, as deployed. */
export const PUBLISH = {
  mostKeys: 30,
  /** Keys that may start in one interval: a phone cuts its key short and goes on with another of the same start. */
  mostSameStart: 3,
  /** A key that ended longer ago is refused. */
  mostAgeSeconds: 360 * 3600,
  mostRisk: 8,
  /** An onset longer ago is taken for none. */
  onsetDays: 28,
  /** Where nobody said when: days before the publish. */
  defaultOnsetDays: 4,
} as const

/** Every code of a refused publish; `partial_failure` comes with success. */
export const PUBLISH_CODES = [
  'unknown_health_authority_id',
  'unable_to_load_health_authority',
  'health_authority_missing_region_config',
  'health_authority_verification_certificate_invalid',
  'bad_request',
  'internal_error',
  'missing_revision_token',
  'invalid_revision_token',
  'key_already_revised',
  'invalid_report_type_transition',
  'partial_failure',
] as const
export type PublishCode = (typeof PUBLISH_CODES)[number]

/** What a certificate says, in the numbers of the export file. A negative test takes back what was published. */
export const REPORT_TYPE_OF: Readonly<Record<TestType, ReportType>> = {
  confirmed: REPORT_TYPE.confirmedTest,
  likely: REPORT_TYPE.confirmedClinicalDiagnosis,
  negative: REPORT_TYPE.revoked,
  'user-report': REPORT_TYPE.selfReport,
}

/** Where a phone gives no transmission risk. */
const RISK_OF: ReadonlyMap<ReportType, number> = new Map([
  [REPORT_TYPE.confirmedTest, 2],
  [REPORT_TYPE.confirmedClinicalDiagnosis, 4],
  [REPORT_TYPE.revoked, 6],
])
export const backfilledRisk = (reportType: ReportType, given: number): number =>
  given === 0 ? (RISK_OF.get(reportType) ?? 0) : given

/** A key that may be published, and when. */
export interface AdmittedKey {
  readonly key: DiagnosisKey
  /** Full hours: when it counts as arrived. Of a key whose period has not ended, an hour or less after that. */
  readonly release: UnixSeconds
}

export interface Admission {
  readonly keys: readonly AdmittedKey[]
  /** Keys that were left out, and why. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

export interface PublishReport {
  readonly reportType: ReportType
  /** Of the certificate. */
  readonly symptomOnset: IntervalNumber | undefined
}

/**
 * The keys of a publish that may be stored, as they will be exported. Refused when none is left, when keys overlap, or too many start
 * together; `value` of the refusal is none, its reason the text of the answer.
 */
export function admitKeys(request: PublishRequest, report: PublishReport, at: UnixSeconds): Outcome<Admission, string> {
  if (request.keys.length === 0) return refused('no exposure keys in publish request')
  if (request.keys.length > PUBLISH.mostKeys) {
    return refused(`too many exposure keys in publish: at most ${PUBLISH.mostKeys}`)
  }
  const onset = onsetOf(request, report, at)
  const keys: AdmittedKey[] = []
  const errors: string[] = []
  const warnings: string[] = []
  for (const [k, sent] of request.keys.entries()) {
    const days = daysBetween(onset, sent.rollingStartNumber)
    const fault = faultOf(sent, at)
    if (fault !== undefined) errors.push(`key ${k} cannot be imported: ${fault}`)
    else if (Math.abs(days) > MOST_DAYS_SINCE_ONSET) {
      warnings.push(`key ${k} symptom onset is too large - saving without this key`)
    } else keys.push({ key: diagnosisKeyOf(sent, report.reportType, days), release: releaseOf(sent, at) })
  }
  // As deployed: when warnings alone left no key, the publish stores nothing and succeeds.
  if (keys.length === 0 && errors.length > 0) return refused(errors.join('; '))
  const overlap = overlapOf(keys.map(({ key }) => key))
  return overlap === undefined ? accepted({ keys, errors, warnings }) : refused(overlap)
}

type SentKey = PublishRequest['keys'][number]

function diagnosisKeyOf(sent: SentKey, reportType: ReportType, daysSinceOnset: number): DiagnosisKey {
  return {
    keyData: fromBase64(sent.key, 'key'),
    rollingStart: sent.rollingStartNumber as IntervalNumber,
    rollingPeriod: sent.rollingPeriod,
    transmissionRisk: backfilledRisk(reportType, sent.transmissionRisk),
    reportType,
    daysSinceOnset,
  }
}

/** What is wrong with one key by itself. */
function faultOf(sent: SentKey, at: UnixSeconds): string | undefined {
  if (!isKeyData(sent.key)) return `not ${GAEN_SIZE.temporaryExposureKey} bytes of base64`
  const { rollingStartNumber: start, rollingPeriod: period, transmissionRisk: risk } = sent
  if (period < 1 || period > ROLLING_PERIOD) return `rolling period is not 1 to ${ROLLING_PERIOD}`
  if (start + period < Math.floor((at - PUBLISH.mostAgeSeconds) / INTERVAL_SECONDS)) return 'key is too old'
  if (start > intervalAt(at)) return 'key starts in the future'
  if (risk < 0 || risk > PUBLISH.mostRisk) return `transmission risk is not 0 to ${PUBLISH.mostRisk}`
  return undefined
}

function isKeyData(text: string): boolean {
  try {
    return fromBase64(text).length === GAEN_SIZE.temporaryExposureKey
  } catch {
    return false
  }
}

const HOUR = 3600
const hourOf = (at: number): UnixSeconds => (Math.floor(at / HOUR) * HOUR) as UnixSeconds

/**
 * When a key that is published at `at` counts as arrived: the full hour, so that nobody learns the second. As long as it is valid,
 * somebody could send its identifiers as his own: it waits until the hour after its end.
 */
export function releaseOf(
  key: { readonly rollingStartNumber: number; readonly rollingPeriod: number },
  at: UnixSeconds,
): UnixSeconds {
  const end = key.rollingStartNumber + key.rollingPeriod
  return end > intervalAt(at) ? hourOf(intervalStart(end) + HOUR) : hourOf(at)
}

/** The onset of symptoms: the phone's word where it can be true, then the certificate's, then a guess. */
function onsetOf(request: PublishRequest, { symptomOnset = 0 as IntervalNumber }: PublishReport, at: UnixSeconds) {
  const first = intervalAt(dayStart(dayOf(at) - PUBLISH.onsetDays) as number as UnixSeconds)
  const isTimely = (onset: number) => onset >= first && onset < intervalAt(at)
  if (isTimely(request.symptomOnsetInterval)) return request.symptomOnsetInterval
  return isTimely(symptomOnset)
    ? symptomOnset
    : intervalAt((at - PUBLISH.defaultOnsetDays * DAY_SECONDS) as UnixSeconds)
}

const daysBetween = (from: number, to: number): number => dayOf(intervalStart(to)) - dayOf(intervalStart(from))

/** Keys of one start may overlap, a few of them; others may not. */
function overlapOf(keys: readonly DiagnosisKey[]): string | undefined {
  const sorted = [...keys].sort((a, b) => a.rollingStart - b.rollingStart || a.rollingPeriod - b.rollingPeriod)
  const ofStart = new Map<number, number>()
  let end = 0
  let start = -1
  for (const key of sorted) {
    if (key.rollingStart !== start && key.rollingStart < end) {
      return 'exposure keys have non aligned overlapping intervals'
    }
    start = key.rollingStart
    end = key.rollingStart + key.rollingPeriod
    ofStart.set(start, (ofStart.get(start) ?? 0) + 1)
  }
  const tooMany = [...ofStart.values()].some((count) => count > PUBLISH.mostSameStart)
  return tooMany ? `too many overlapping keys for one start interval: at most ${PUBLISH.mostSameStart}` : undefined
}

/** Days that the key server keeps and lists what it exported: as long as phones can have met somebody. */
export const EXPORT_DAYS = RETENTION_DAYS
