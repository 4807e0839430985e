// The Merkle tree of RFC 9162 §2.1 over the lines of the log.
import { concat } from '@vicinity/protocol'
import { equalBytes, sha256 } from '@vicinity/protocol/crypto'

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

export const leafHash = (line: Uint8Array): Uint8Array => sha256(concat(LEAF, line))
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(NODE, left, right))

/** The largest power of two below n, for n > 1. */
function splitOf(n: number): number {
  let k = 1
  while (2 * k < n) k *= 2
  return k
}

/** A tree that grows: only the roots of its full subtrees, the largest first. */
export class Frontier {
  readonly #roots: { readonly hash: Uint8Array; readonly size: number }[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(leaf: Uint8Array): void {
    let node = { hash: leaf, size: 1 }
    for (let last = this.#roots.at(-1); last?.size === node.size; last = this.#roots.at(-1)) {
      this.#roots.pop()
      node = { hash: nodeHash(last.hash, node.hash), size: 2 * node.size }
    }
    this.#roots.push(node)
    this.#size++
  }

  root(): Uint8Array {
    if (this.#size === 0) return sha256(new Uint8Array(0))
    return this.#roots.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right))
  }
}

export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const tree = new Frontier()
  for (const leaf of leaves) tree.add(leaf)
  return tree.root()
}

/** §2.1.3.1: the hashes that lead from a leaf to the root. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return []
  const k = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return index < k
    ? [...inclusionProof(left, index), rootOf(right)]
    : [...inclusionProof(right, index - k), rootOf(left)]
}

/** §2.1.3.2 */
export function isIncluded(
  leaf: Uint8Array,
  index: number,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (index < 0 || index >= size) return false
  let [place, last, hash] = [index, size - 1, leaf]
  for (const step of proof) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(step, hash)
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)]
    } else hash = nodeHash(hash, step)
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 && equalBytes(hash, root)
}

/** §2.1.4.1: the hashes that show that the tree of the first `earlier` leaves is a beginning of this one. */
export function consistencyProof(leaves: readonly Uint8Array[], earlier: number): Uint8Array[] {
  return earlier === 0 || earlier === leaves.length ? [] : subproof(leaves, earlier, true)
}

function subproof(leaves: readonly Uint8Array[], earlier: number, whole: boolean): Uint8Array[] {
  if (earlier === leaves.length) return whole ? [] : [rootOf(leaves)]
  const k = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return earlier <= k
    ? [...subproof(left, earlier, whole), rootOf(right)]
    : [...subproof(right, earlier - k, false), rootOf(left)]
}

interface Sized {
  readonly size: number
  readonly root: Uint8Array
}

/** §2.1.4.2 */
export function isConsistent(earlier: Sized, later: Sized, proof: readonly Uint8Array[]): boolean {
  if (earlier.size > later.size) return false
  if (earlier.size === later.size) return proof.length === 0 && equalBytes(earlier.root, later.root)
  if (earlier.size === 0) return proof.length === 0
  const steps = isPowerOfTwo(earlier.size) ? [earlier.root, ...proof] : [...proof]
  const first = steps.shift()
  if (first === undefined) return false
  let [place, last] = [earlier.size - 1, later.size - 1]
  while (place % 2 === 1) [place, last] = [half(place), half(last)]
  let [before, after] = [first, first]
  for (const step of steps) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      ;[before, after] = [nodeHash(step, before), nodeHash(step, after)]
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)]
    } else after = nodeHash(after, step)
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 && equalBytes(before, earlier.root) && equalBytes(after, later.root)
}

const half = (n: number): number => Math.floor(n / 2)
const isPowerOfTwo = (n: number): boolean => splitOf(n + 1) === n
