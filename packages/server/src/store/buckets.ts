// Buckets: the leading bits of a random id or key. In one bucket after the other everything is in the order of the ids themselves.
import type { PermanentId } from '@vicinity/protocol/robert'

export const MOST_BUCKET_BITS = 8

const ID_BITS = 40

export interface Buckets {
  readonly all: readonly number[]
  readonly ofId: (id: PermanentId) => number
  readonly ofBytes: (key: Uint8Array) => number
}

export function bucketsOf(bits: number): Buckets {
  const width = 2 ** (ID_BITS - bits)
  return {
    all: Array.from({ length: 2 ** bits }, (_, bucket) => bucket),
    // Nobody lies in a bucket too: what runs for nobody is the statement that runs for a user.
    ofId: (id) => (id < 0 ? 0 : Math.floor(id / width)),
    ofBytes: (key) => (key[0] ?? 0) >> (8 - bits),
  }
}

/** Values by their bucket, both ascending as `compare` says: rows are locked in one order by everybody. */
export function groupedBy<Value>(
  values: Iterable<Value>,
  bucketOf: (value: Value) => number,
  compare: (a: Value, b: Value) => number,
): ReadonlyMap<number, readonly Value[]> {
  return Map.groupBy([...values].sort(compare), bucketOf)
}
