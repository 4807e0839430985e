// How a HELLO was heard, in one byte, and what an item weighs in LEE.
import { type Hex, hex, number } from './hex.ts'

export const SLOT = 300n

/** Strength class 5 bits | minutes 3 bits. An odd strength belongs to the stronger class of its two neighbours. */
export function signalOf(strength: number | null, minutes: number): Hex {
  if (strength === null) return hex(minutes, 1)
  const clipped = Math.max(-90, Math.min(-30, strength))
  return hex(8 * Math.floor((-clipped - 28) / 2) + minutes, 1)
}

export function readSignal(signal: Hex): { strength: number | null; minutes: number } {
  const byte = number(signal)
  const strengthClass = Math.floor(byte / 8)
  return { strength: strengthClass === 0 ? null : -(28 + 2 * strengthClass), minutes: Math.min(byte % 8, 5) }
}

/** Tenths of a minute: a minute weighs 1 from -63 dBm up, 0.5 to -73, else nothing; what is unknown counts as 1. */
export function weightOf(signal: Hex): number {
  const { strength, minutes } = readSignal(signal)
  const perMinute = strength === null || strength >= -63 ? 10 : strength >= -73 ? 5 : 0
  return perMinute * (minutes === 0 ? 1 : minutes)
}

/** Epoch 3 | slot 2 bits, weight 6 bits. */
export const exposureOf = (epoch: number, slot: number, weight: number): Hex =>
  hex(epoch, 3) + hex(64 * slot + weight, 1)
