// What a report holds. Days are counted from t = 0 of the trace; arrays "by day" have an entry for each day of the replay.

/** What became of somebody in the end; `none` without the application. */
export type Outcome = 'declared' | 'warned' | 'exposed' | 'other' | 'none'

export interface ReportedPerson {
  readonly id: number
  readonly group: string | undefined
  /** Place in the picture, from 0 to 1000. */
  readonly x: number
  readonly y: number
  readonly outcome: Outcome
  /** People met in all. */
  readonly met: number
  /** Items about this person that the back-end accepted and still keeps. */
  readonly items: number
  /** The day, from 1, on which the phone told its user "at risk". */
  readonly warnedOn: number | undefined
}

export const REQUEST_KINDS = ['status', 'renew', 'acknowledge', 'register'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

export interface Range {
  readonly least: number
  readonly most: number
}

/** Calls on the one path of authenticated requests, of one phone. */
export interface Polling {
  readonly phones: number
  /** On one whole day. */
  readonly aDay: Range
  /** From the first declaration to the end. */
  readonly afterwards: Range
}

/** What was measured for the account of what each party has learnt. */
export interface Measures {
  readonly epochSeconds: number
  /** Identifiers that one phone holds, over the phones. */
  readonly identifiers: Range & { readonly all: number; readonly median: number }
  /** The longest time over which one phone heard one identifier, in seconds. */
  readonly longestTrack: number
  /** Warned people who met one other person only. */
  readonly warnedByOne: number
  /** Distinct lengths on the one path, in bytes. */
  readonly requestSizes: readonly number[]
  readonly replySizes: readonly number[]
  readonly warned: Polling
  readonly unwarned: Polling
  /** Calls of a declared phone that no other phone makes. */
  readonly declaringCalls: Range
  readonly tokensPerDay: Range
  readonly tokens: number
  readonly codes: number
  /** Items sent, and how many of them were dummies: known to the lab alone. */
  readonly items: { readonly sent: number; readonly dummies: number }
  /** What the list of exposed epochs of all users holds together. */
  readonly exposures: { readonly entries: number; readonly epochs: number }
}

export interface ReportData {
  readonly trace: string
  readonly options: {
    readonly declare: readonly number[]
    readonly adoption: number
    readonly loss: number
    readonly filter: string
    readonly seed: number
    readonly wire: boolean
  }
  readonly done: boolean
  /** The day that is lived through, from 1. */
  readonly day: number
  readonly days: number
  readonly records: number
  readonly registered: number
  readonly people: readonly ReportedPerson[]
  /** By day: triples of two places in `people` and the seconds that they met. */
  readonly contacts: readonly (readonly number[])[]
  readonly heard: readonly number[]
  readonly kept: readonly number[]
  readonly requests: Readonly<Record<RequestKind, readonly number[]>>
  readonly accepted: readonly number[]
  /** By step of ROBERT §6.2. */
  readonly refused: Readonly<Record<string, readonly number[]>>
  readonly dummies: readonly number[]
  readonly measures: Measures
}

/** People whose list of exposed epochs is not empty, those who declared among them. */
export const exposedIn = ({ people }: ReportData): number => people.filter(({ items }) => items > 0).length

/** People whose phone said "at risk", those who declared among them. */
export const warnedIn = ({ people }: ReportData): number =>
  people.filter(({ warnedOn }) => warnedOn !== undefined).length

export const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

export const rangeOf = (numbers: readonly number[]): Range =>
  numbers.length === 0 ? { least: 0, most: 0 } : { least: Math.min(...numbers), most: Math.max(...numbers) }
