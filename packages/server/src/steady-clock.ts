import type { UnixSeconds } from '@vicinity/protocol'

/** How far the wall clock may step before it is distrusted, in seconds. */
const TOLERANCE = 60

/**
 * Watches a wall clock by a monotonic one: true while the wall clock has not stepped by more than a minute since it was last
 * trusted. Slow corrections are followed; after a step it is distrusted until it is back, or until the process starts anew.
 * Both clocks count seconds.
 */
export function watchClock(wall: () => UnixSeconds, monotonic: () => number): () => boolean {
  let trusted = wall() - monotonic()
  return () => {
    const offset = wall() - monotonic()
    if (Math.abs(offset - trusted) > TOLERANCE) return false
    trusted = offset
    return true
  }
}
