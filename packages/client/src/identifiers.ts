// The identifiers that a phone holds: those of the present and the future, in segments of consecutive epochs.
import { type Epoch, LAST_EPOCH } from '@vicinity/protocol'
import { type IdentifierList, SIZE } from '@vicinity/protocol/robert'
import { own, type PhoneState, type Segment } from './state.ts'

const endOf = (segment: Segment): number => segment.first + segment.pairs.length / SIZE.pair

/** The (EBID, ECC) pair of an epoch, a view. */
export function pairAt(state: PhoneState, epoch: number): Uint8Array | undefined {
  for (const segment of state.identifiers) {
    if (segment.first > epoch) return undefined
    if (epoch < endOf(segment)) {
      const offset = SIZE.pair * (epoch - segment.first)
      return segment.pairs.subarray(offset, offset + SIZE.pair)
    }
  }
  return undefined
}

/** The first epoch from `from` on without an identifier: a gap, or what comes after the newest. */
export function firstMissing(state: PhoneState, from: number): number {
  let epoch = from
  for (const segment of state.identifiers) {
    if (segment.first > epoch) return epoch
    epoch = Math.max(epoch, endOf(segment))
  }
  return epoch
}

/** Whether an epoch between now and the newest known one, or the present one, has no identifier. */
export function hasGap(state: PhoneState, now: number): boolean {
  const missing = firstMissing(state, now)
  return missing === now || missing <= (state.newest?.epoch ?? now)
}

/** Adds what is not held yet. An identifier that is held stays: the phone may have broadcast it already. */
export function mergeIdentifiers(state: PhoneState, list: IdentifierList, now: number): void {
  const count = Math.min(list.pairs.length / SIZE.pair, LAST_EPOCH + 1 - list.first)
  if (count <= 0) return
  const last = (list.first + count - 1) as Epoch
  if (state.newest === undefined || last > state.newest.epoch) {
    state.newest = { epoch: last, pair: own(list.pairs.subarray(SIZE.pair * (count - 1), SIZE.pair * count)) }
  }
  const runs: Segment[] = []
  let from = -1
  for (let k = Math.max(0, now - list.first); k <= count; k++) {
    const wanted = k < count && pairAt(state, list.first + k) === undefined
    if (wanted && from < 0) from = k
    if (!wanted && from >= 0) {
      const pairs = own(list.pairs.subarray(SIZE.pair * from, SIZE.pair * k))
      runs.push({ first: (list.first + from) as Epoch, pairs })
      from = -1
    }
  }
  state.identifiers.push(...runs)
  state.identifiers.sort((a, b) => a.first - b.first)
}

/** Removes identifiers of epochs that are over, from memory too: a seized phone does not tell where it was seen. */
export function dropPast(state: PhoneState, now: Epoch): void {
  const { identifiers } = state
  while (identifiers.length > 0 && endOf(identifiers[0]!) <= now) identifiers.shift()!.pairs.fill(0)
  const segment = identifiers[0]
  if (segment === undefined || segment.first >= now) return
  const over = SIZE.pair * (now - segment.first)
  segment.pairs.fill(0, 0, over)
  segment.pairs = segment.pairs.subarray(over)
  segment.first = now
}

export function dropIdentifiers(state: PhoneState): void {
  for (const segment of state.identifiers) segment.pairs.fill(0)
  state.identifiers = []
  state.newest = undefined
}
