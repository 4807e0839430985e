import { drawBelow } from '@vicinity/protocol'
import type { Deps } from '../deps.ts'

/** Seconds until a phone asks again: drawn, so that phones never come together. */
export function nextPoll(deps: Deps): number {
  const { pollInterval, pollJitter } = deps.robert.parameters
  return pollInterval - pollJitter + drawBelow(deps.random, 2 * pollJitter + 1)
}
