// Keys that nobody had, so that nobody can tell from exports which keys are real: docs/decisions/0008. All chance is drawn from the
// padding key, so that a window that is made again gets the same keys; without that key nothing here can be told from the real ones.
import { ascii, concat, DAY_SECONDS, dayOf, drawBelow, type Random, toHex, type UnixSeconds } from '@vicinity/protocol'
import { hmacSha256 } from '@vicinity/protocol/crypto'
import {
  backfilledRisk,
  type DiagnosisKey,
  GAEN_SIZE,
  INTERVAL_SECONDS,
  type IntervalNumber,
  keyStartAt,
  MOST_DAYS_SINCE_ONSET,
  REPORT_TYPE,
  RETENTION_DAYS,
  type ReportType,
  ROLLING_PERIOD,
} from '@vicinity/protocol/gaen'
import type { PaddingSettings } from '../../gaen-settings.ts'
import { HERE, type NewKey, type StoredKey } from '../../store/key-server.ts'

/** All that an export says of a key, but its bytes. */
export type Kind = Omit<DiagnosisKey, 'keyData'>

export interface Span {
  readonly starts: UnixSeconds
  readonly ends: UnixSeconds
}

const HOUR = 3600

export const nameOfKind = (kind: Kind): string =>
  [kind.rollingStart, kind.rollingPeriod, kind.transmissionRisk, kind.reportType, kind.daysSinceOnset ?? ''].join(' ')

/** Key number k of those invented for a window. */
export const inventedKey = (paddingKey: Uint8Array, starts: UnixSeconds, k: number): Uint8Array =>
  hmacSha256(paddingKey, ascii(`key ${starts} ${k}`)).subarray(0, GAEN_SIZE.temporaryExposureKey)

/** The hexadecimal digits of the keys invented for a window. */
export const inventedNames = (paddingKey: Uint8Array, starts: UnixSeconds, count: number): ReadonlySet<string> =>
  new Set(Array.from({ length: count }, (_, k) => toHex(inventedKey(paddingKey, starts, k))))

/** The chance of one window, for one purpose. */
export function paddingRandom(paddingKey: Uint8Array, purpose: string, { starts }: Span): Random {
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      hmacSha256(paddingKey, ascii(`${purpose} ${starts} ${counter++}`)),
    )
    return concat(...blocks).subarray(0, length)
  }
}

/** A full hour within a window, no earlier than `least`. */
export const drawHour = (random: Random, { starts, ends }: Span, least: number = starts): UnixSeconds =>
  Math.max(starts + HOUR * drawBelow(random, Math.max((ends - starts) / HOUR, 1)), least) as UnixSeconds

/**
 * What is invented for a window: of every kind of the schedule, of every kind that a key published here has, and of some kinds that only
 * decoys have, up to a level; always more than there are real ones.
 */
export function inventKeys(
  paddingKey: Uint8Array,
  settings: PaddingSettings,
  span: Span,
  published: readonly Kind[],
): readonly NewKey[] {
  const random = paddingRandom(paddingKey, 'keys', span)
  const kinds = new Map<string, { readonly kind: Kind; real: number; decoys: number }>()
  const entryOf = (kind: Kind) => {
    const name = nameOfKind(kind)
    const entry = kinds.get(name) ?? { kind, real: 0, decoys: 0 }
    kinds.set(name, entry)
    return entry
  }
  const schedule = scheduledKinds(settings, span)
  const scheduled = new Set(schedule.map(nameOfKind))
  for (const kind of schedule) entryOf(kind)
  for (const kind of published) entryOf(kind).real++
  for (let upload = drawBelow(random, MOST_DECOY_UPLOADS + 1); upload > 0; upload--) {
    // What the schedule has anyway needs no decoy: a second one there would take the place of somebody real.
    for (const kind of decoyUpload(random, span)) if (!scheduled.has(nameOfKind(kind))) entryOf(kind).decoys++
  }
  const invented = [...kinds.values()].flatMap(({ kind, real, decoys }) => {
    // Equal counts, or multiples, would look like copies of something.
    const more = drawBelow(random, settings.level)
    return Array.from({ length: levelOf(settings.level, real + decoys) + more - real }, () => kind)
  })
  return invented.map((kind, k) => ({
    key: { ...kind, keyData: inventedKey(paddingKey, span.starts, k) },
    release: drawHour(random, span),
    source: HERE,
  }))
}

/** How many keys of a kind an export has when `count` are to be hidden: more than twice as many, in steps of powers of two. */
export function levelOf(level: number, count: number): number {
  let total = level
  while (total < 2 * count + 1) total *= 2
  return total
}

/** How many kinds have so many keys published here that their counts show it. */
export function kindsAbove({ level }: PaddingSettings, published: readonly Kind[]): number {
  const counts = new Map<string, number>()
  for (const name of published.map(nameOfKind)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts.values()].filter((count) => levelOf(level, count) > level).length
}

/** Kinds that most publishes consist of: whole days, two reports, the usual risk, onset lately. They are in every window. */
export function scheduledKinds({ onsetDays }: PaddingSettings, { starts }: Span): readonly Kind[] {
  const today = keyStartAt(starts)
  const reportTypes = [REPORT_TYPE.confirmedTest, REPORT_TYPE.confirmedClinicalDiagnosis]
  const days = Array.from({ length: RETENTION_DAYS }, (_, k) => k + 1)
  const onsets = Array.from({ length: onsetDays + 1 }, (_, k) => k)
  return reportTypes.flatMap((reportType) =>
    days.flatMap((age) =>
      onsets.flatMap((onset) =>
        Math.abs(onset - age) > MOST_DAYS_SINCE_ONSET ? [] : [wholeDay(today, age, reportType, onset)],
      ),
    ),
  )
}

function wholeDay(today: IntervalNumber, age: number, reportType: ReportType, onset: number): Kind {
  return {
    rollingStart: (today - age * ROLLING_PERIOD) as IntervalNumber,
    rollingPeriod: ROLLING_PERIOD,
    transmissionRisk: backfilledRisk(reportType, 0),
    reportType,
    daysSinceOnset: onset - age,
  }
}

const MOST_DECOY_UPLOADS = 6
const MOST_RISK = 8
/** Out of ten: reports as they are certified, and uploads that differ from the schedule. */
const DECOY_REPORTS: readonly ReportType[] = [1, 1, 1, 1, 1, 2, 2, 3, 3, 3]
const isDrawn = (random: Random, outOfTen: number): boolean => drawBelow(random, 10) < outOfTen

/** The keys of a person that does not exist: a run of days, often with the day of the upload cut short, sometimes with a risk of its own. */
function decoyUpload(random: Random, span: Span): readonly Kind[] {
  const today = keyStartAt(span.starts)
  const reportType = DECOY_REPORTS[drawBelow(random, DECOY_REPORTS.length)]!
  const onset = drawBelow(random, RETENTION_DAYS)
  const run = isDrawn(random, 6) ? RETENTION_DAYS : 1 + drawBelow(random, RETENTION_DAYS)
  const risk = isDrawn(random, 9) ? 0 : 1 + drawBelow(random, MOST_RISK)
  const kinds = Array.from({ length: run }, (_, k) => wholeDay(today, k + 1, reportType, onset))
  if (isDrawn(random, 5))
    kinds.unshift({ ...wholeDay(today, 0, reportType, onset), rollingPeriod: cutShort(random, span) })
  return kinds
    .filter(({ daysSinceOnset }) => Math.abs(daysSinceOnset!) <= MOST_DAYS_SINCE_ONSET)
    .map((kind) => ({ ...kind, transmissionRisk: backfilledRisk(reportType, risk) }))
}

/** A key that is cut short counts as arrived up to so many intervals after its end (`releaseOf`). */
const RELEASE_INTERVALS = HOUR / INTERVAL_SECONDS

/** The period of a key that ended with an upload, so that it counts as arrived within the window. */
function cutShort(random: Random, { starts, ends }: Span): number {
  const before = (starts - dayOf(starts) * DAY_SECONDS) / INTERVAL_SECONDS - RELEASE_INTERVALS
  const within = (ends - starts) / INTERVAL_SECONDS + RELEASE_INTERVALS
  return Math.min(Math.max(1 + before + drawBelow(random, within), 1), ROLLING_PERIOD)
}

/** Keys published here, those that were invented left out. */
export const realAmong = (rows: readonly StoredKey[], invented: ReadonlySet<string>): readonly StoredKey[] =>
  rows.filter(({ key, source }) => source === HERE && !invented.has(toHex(key.keyData)))
