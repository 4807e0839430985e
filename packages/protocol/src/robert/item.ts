import { Reader, Writer } from '../bytes.ts'
import { type NtpSeconds, time32 } from '../time.ts'
import { SIZE, SLOT_SECONDS } from './constants.ts'

/** How an identifier was heard in one slot, in one byte: strength class (bits 7..3) | minutes (bits 2..0). */
export interface Signal {
  /** 0: unknown; else 1..31, about -(28 + 2k) dBm. */
  readonly strengthClass: number
  /** Distinct minutes heard, 1..5; 0: unknown. */
  readonly minutes: number
}

const WEAKEST = -90
const STRONGEST = -30
export const MOST_MINUTES = SLOT_SECONDS / 60

/**
 * The class of a signal strength in dBm, clipped to -30…-90; undefined is class 0. An odd value goes to the stronger class,
 * so that the risk function's -63 and -73 dBm are on the near side of its thresholds.
 */
export function strengthClass(strength: number | undefined): number {
  if (strength === undefined) return 0
  return Math.ceil((-Math.min(Math.max(strength, WEAKEST), STRONGEST) - 29) / 2)
}

/** The strength in dBm that a class other than 0 stands for. */
export const strengthOf = (strength: number): number => -(28 + 2 * strength)

export const packSignal = (signal: Signal): number => signal.strengthClass * 8 + signal.minutes
/** Every byte is some signal: 6 and 7 minutes, which no honest phone sends, count as 5. */
export const unpackSignal = (byte: number): Signal => ({
  strengthClass: byte >> 3,
  minutes: Math.min(byte & 7, MOST_MINUTES),
})

/** One uploaded pair of ROBERT §6.1 with what was heard: HELLO 16 | Time 4 | signal 1. */
export function packItem(hello: Uint8Array, time: NtpSeconds, signal: number): Uint8Array {
  return new Writer(SIZE.item).put(hello).uint(4, time32(time)).uint(1, signal).bytes
}

/** ROBERT §6.2 step 1. `time32` is folded: see `unfold32`. Throws `Malformed` for another length than 21 bytes. */
export function parseItem(bytes: Uint8Array): { hello: Uint8Array; time32: number; signal: Signal } {
  const reader = new Reader(bytes, SIZE.item, 'item')
  return { hello: reader.take(SIZE.hello), time32: reader.uint(4), signal: unpackSignal(reader.uint(1)) }
}
