// What is noted while a replay runs, before a report is made of it.
import { DAY_SECONDS } from '@vicinity/protocol'
import type { Constellation, LabPhone } from '../constellation.ts'
import type { ReplayOptions } from '../replay-options.ts'
import type { Trace } from '../trace.ts'
import type { Pair } from './contacts.ts'
import type { RequestKind } from './data.ts'
import type { Place } from './layout.ts'

export interface ReportInput {
  /** What the trace is called. */
  readonly name: string
  readonly trace: Trace
  readonly groups: ReadonlyMap<number, string>
  readonly options: Omit<ReplayOptions, 'watch' | 'pages'>
}

/** What is noted of one phone. */
export interface PhoneRecord {
  readonly person: number
  /** When each identifier was heard first and last. */
  readonly identifiers: Map<string, { readonly first: number; last: number }>
  readonly pollsByDay: number[]
  polls: number
  /** Polls before the first declaration. */
  polledBefore: number
  declaringCalls: number
  uploads: number
  dummies: number
  warnedOn: number | undefined
  /** The items that were heard, as hexadecimal digits; of a phone that uploads. */
  log: ReadonlySet<string> | undefined
}

export const newPhoneRecord = (person: number, days: number): PhoneRecord => ({
  person,
  identifiers: new Map(),
  pollsByDay: new Array<number>(days).fill(0),
  polls: 0,
  polledBefore: 0,
  declaringCalls: 0,
  uploads: 0,
  dummies: 0,
  warnedOn: undefined,
  log: undefined,
})

/** What is counted, and what it was when the day began. */
type Counts = ReadonlyMap<string, number>

export interface Gathered {
  readonly input: ReportInput
  readonly days: number
  readonly contacts: readonly (readonly Pair[])[]
  readonly met: readonly number[]
  readonly places: readonly Place[]
  readonly heard: number[]
  readonly kept: number[]
  readonly requests: Record<RequestKind, number[]>
  readonly dummies: number[]
  /** The back-end's counters at each midnight that has passed. */
  readonly midnights: Counts[]
  readonly phones: Map<LabPhone, PhoneRecord>
  readonly requestSizes: Map<number, number>
  /** Length of the body by length of what it carries. */
  readonly replySizes: Map<number, number>
  /** Identifies a (declared phone, day); how many tokens were asked for. */
  readonly tokens: Map<string, number>
  readonly declared: Set<number>
  world: Constellation | undefined
  /** Packed exposures by person, when all has ended. */
  exposures: ReadonlyMap<number, Uint8Array> | undefined
  ended: boolean
}

/** From 0. */
export const dayNow = ({ world, days }: Gathered): number =>
  world === undefined ? 0 : Math.min(Math.floor((world.schedule.now() - startOf(world)) / DAY_SECONDS), days - 1)

export const startOf = (world: Constellation): number => world.countries[0]!.deps.settings.serviceStart
