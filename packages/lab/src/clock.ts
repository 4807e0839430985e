/** Begins to measure; the function tells the seconds since, to a millisecond. For reports only: nothing is decided by it. */
export function stopwatch(): () => number {
  const begun = performance.now()
  return () => Math.round(performance.now() - begun) / 1000
}
