// Key servers that pad: the deployed one with its fault, and two that pad as they should.
import { drawBelow as below, type Random } from '../src/bytes.ts'
import { columnsOf, type DiagnosisKey, type ExportFile, type NamedExport, type ReportType } from '../src/gaen/index.ts'
import type { IntervalNumber } from '../src/gaen/interval.ts'
import { DAY_SECONDS, type UnixSeconds } from '../src/time.ts'

export interface Stored extends DiagnosisKey {
  readonly createdAt: number
  readonly isReal: boolean
}

export const keyOf = (stored: DiagnosisKey): string => String.fromCharCode(...stored.keyData)
/** 2026-03-02T00:00Z. */
export const MONDAY = 1_772_409_600
const HOUR = 3600

/** Keys of people who upload a fortnight each, at some hour of the days from Monday on. */
export function uploads(random: Random, people: number, days: number, period = 144): Stored[] {
  return Array.from({ length: people }, () => {
    const createdAt = MONDAY + HOUR * below(random, 24 * days)
    const onset = below(random, 5)
    const reportType = (1 + below(random, 2)) as ReportType
    const day = Math.floor(createdAt / DAY_SECONDS)
    return Array.from({ length: 10 }, (_, age) => ({
      keyData: random(16),
      rollingStart: (144 * (day - 1 - age)) as IntervalNumber,
      rollingPeriod: period,
      transmissionRisk: 2,
      reportType,
      daysSinceOnset: onset - age,
      createdAt,
      isReal: true,
    }))
  }).flat()
}

const inWindow = (start: number, hours: number) => (key: Stored) =>
  key.createdAt >= start && key.createdAt < start + HOUR * hours

const byKey = (a: DiagnosisKey, b: DiagnosisKey): number => Buffer.compare(a.keyData, b.keyData)

export function exportOf(
  start: number,
  hours: number,
  keys: readonly DiagnosisKey[],
  revised: readonly DiagnosisKey[] = [],
): NamedExport {
  const end = start + HOUR * hours
  const file: ExportFile = {
    header: {
      startTimestamp: start as UnixSeconds,
      endTimestamp: end as UnixSeconds,
      region: 'US',
      batchNumber: 1,
      batchSize: 1,
      signatureInfos: [],
    },
    keys: columnsOf([...keys].sort(byKey)),
    revisedKeys: columnsOf([...revised].sort(byKey)),
  }
  return { name: `${start}-${end}-00001.zip`, file }
}

/**
 * The deployed server: a window with keys is padded to 1000 and up to 100 more with copies of the real keys by turns. The loop that
 * stores them advances twice, so that of those only [0, 100), [200, 300) and [600, 700) stay.
 */
export function deployedExport(table: Stored[], random: Random, start: number, hours: number): NamedExport | undefined {
  const found = table.filter(inWindow(start, hours))
  if (found.length === 0) return undefined
  const wanted = found.length < 1000 ? 1000 - found.length + below(random, 101) : 0
  const made = Array.from({ length: wanted }, (_, k) => ({
    ...found[k % found.length]!,
    keyData: random(16),
    isReal: false,
  }))
  const STEP = 100
  for (let k = 0; k < made.length; k += STEP) {
    const upper = Math.min(k + STEP, made.length)
    table.push(...made.slice(k, upper))
    k += upper
  }
  return exportOf(start, hours, [...found, ...made])
}

/** Kinds of a public schedule: age of the key, report type, days since onset. */
const SCHEDULE = Array.from({ length: 10 }, (_, age) =>
  [1, 2].flatMap((reportType) => [0, 1, 2, 3, 4].map((onset) => ({ age, reportType, daysSinceOnset: onset - age }))),
).flat()

function inventedKey(random: Random, createdAt: number, kind: (typeof SCHEDULE)[number]): Stored {
  const day = Math.floor(createdAt / DAY_SECONDS)
  return {
    keyData: random(16),
    rollingStart: (144 * (day - 1 - kind.age)) as IntervalNumber,
    rollingPeriod: 144,
    transmissionRisk: 2,
    reportType: kind.reportType as ReportType,
    daysSinceOnset: kind.daysSinceOnset,
    createdAt,
    isReal: false,
  }
}

/** Every window is filled to four of each kind in the schedule, or the next power of two, with keys that stay. */
export function fillBySchedule(table: Stored[], random: Random, start: number, hours: number): void {
  const real = table.filter(inWindow(start, hours))
  for (const kind of SCHEDULE) {
    const count = real.filter(
      ({ rollingStart, createdAt, reportType, daysSinceOnset }) =>
        Math.floor(createdAt / DAY_SECONDS) - 1 - rollingStart / 144 === kind.age &&
        reportType === kind.reportType &&
        daysSinceOnset === kind.daysSinceOnset,
    ).length
    const level = Math.max(4, 2 ** Math.ceil(Math.log2(Math.max(1, count))))
    for (let k = count; k < level; k++) table.push(inventedKey(random, start, kind))
  }
}

/** Every window gets some hundred keys that stay, whose kinds are drawn from a public distribution with rare kinds. */
export function fillByDraw(table: Stored[], random: Random, start: number): void {
  const count = 600 + below(random, 200)
  for (let k = 0; k < count; k++) {
    const kind = SCHEDULE[Math.floor(SCHEDULE.length * (below(random, 1000) / 1000) ** 2)]!
    table.push(inventedKey(random, start, kind))
  }
}

export const exportsOf = (table: readonly Stored[], windows: readonly (readonly [start: number, hours: number])[]) =>
  windows.map(([start, hours]) => exportOf(start, hours, table.filter(inWindow(start, hours))))

/** Windows of so many hours over so many days. */
export const windowsOf = (days: number, hours: number): [start: number, hours: number][] =>
  Array.from({ length: (24 * days) / hours }, (_, k) => [MONDAY + HOUR * hours * k, hours])
