// What a replay is asked for, and what a protocol is in it.
import type { UnixSeconds } from '@vicinity/protocol'
import { type Parameters, withParameters } from '@vicinity/protocol/robert'
import type { Pages } from '@vicinity/server'
import type { Constellation, LabPhone, PhoneWatch } from './constellation.ts'
import type { ReplayResult } from './replay-result.ts'

export const PROTOCOLS = ['robert', 'gaen', 'both'] as const
export type Protocol = (typeof PROTOCOLS)[number]

export interface ReplayOptions {
  /** People of the trace who are diagnosed after its last record, and declare. */
  readonly declare: readonly number[]
  readonly wire: boolean
  /** Share of the people who carry the application. */
  readonly adoption: number
  /** Share of the HELLOs that a phone near does not receive. */
  readonly loss: number
  readonly filter: 'none' | 'default'
  readonly seed: number
  /** Default: `robert`. With `both` everybody carries both, and meets the same people. */
  readonly protocol?: Protocol
  /** When t = 0 of the trace is; default 2020-06-01T00:00Z. */
  readonly start?: UnixSeconds
  readonly store?: string
  readonly port?: number
  /** Told how far the replay is, from 0 to 1, and what goes on. */
  readonly onProgress?: (share: number, what: string) => void
  /** Told when the back-end listens. */
  readonly onListening?: (url: string) => void
  /** What the back-end serves beside the API, with `wire`. */
  readonly pages?: Pages
  readonly watch?: ReplayWatch
}

/** Told what the phones of ROBERT do in a replay, as it happens; changes nothing. */
export interface ReplayWatch extends PhoneWatch {
  readonly begun: (world: Constellation, phones: ReadonlyMap<number, LabPhone>) => void
  /** A phone near received a HELLO. */
  readonly heard: (at: UnixSeconds) => void
  readonly declared: (person: number) => void
  readonly ended: (result: ReplayResult) => Promise<void>
}

/** In the lab: the cheapest proof of work, items applied at once, all of an upload within an hour. */
export const LAB_PARAMETERS: Parameters = withParameters({ proofOfWork: 0, poolWindow: 0, uploadSpread: 3600 })

/** Time for the declared to send everything and for the back-end to apply it. */
export const SENDING_SECONDS = 3 * LAB_PARAMETERS.uploadSpread
/** Then everybody asks once more. */
export const POLLING_SECONDS = LAB_PARAMETERS.pollInterval + LAB_PARAMETERS.pollJitter + 900

/** What one protocol does in a replay. */
export interface Side {
  readonly install: () => Promise<void>
  /** The listener is near the speaker and receives its broadcast, unless it is lost. */
  readonly meet: (speaker: number, listener: number) => Promise<void>
  readonly declare: (people: readonly number[]) => Promise<void>
  /** Lets time pass until everybody who has to know knows. */
  readonly settle: (people: readonly number[]) => Promise<void>
}
