import { type UnixSeconds, writeUint } from '@vicinity/protocol'
import { PARAMETERS, type Parameters } from '@vicinity/protocol/robert'

/** Length of the windows by which items are sealed, also where a pool window of 0 applies them at once. */
const windowLength = (parameters: Parameters): number => parameters.poolWindow || PARAMETERS.poolWindow.value

/** The number of the pool window of a time. */
export const windowAt = (parameters: Parameters, at: UnixSeconds): number => Math.floor(at / windowLength(parameters))

/** The first second of a window, and the first after it. */
export const windowBegins = (parameters: Parameters, window: number): number => window * windowLength(parameters)
export const windowEnds = (parameters: Parameters, window: number): number => windowBegins(parameters, window + 1)

/** Whether the items of a window may be applied: when it is over, or at once where there is no pool. */
export const windowIsDue = (parameters: Parameters, window: number, at: UnixSeconds): boolean =>
  parameters.poolWindow === 0 || window < windowAt(parameters, at)

/** Requests that were let in before a window ended may still commit for so many seconds. */
const GRACE = 120

/** Whether no item can enter a window any more: its intake key may be destroyed once the queue is empty. */
export const windowIsOver = (parameters: Parameters, window: number, at: UnixSeconds): boolean =>
  at >= (window + 1) * windowLength(parameters) + GRACE

export function placeOfWindow(window: number): Uint8Array {
  const place = new Uint8Array(7)
  writeUint(place, 1, 6, window)
  return place
}
