// The Merkle tree of the audit log against the hashes of the Certificate Transparency project, and its proofs against each other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ascii, fromHex, toHex } from '@vicinity/protocol'
import {
  consistencyProof,
  Frontier,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  rootOf,
} from '../src/audit/tree.ts'

const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => leafHash(fromHex(hex)),
)

/** Of the first 0 to 8 leaves. */
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const leavesOf = (size: number) => Array.from({ length: size }, (_, k) => leafHash(ascii(`leaf ${k}`)))
const other = leafHash(ascii('other'))

test('RFC 9162 §2.1.1: roots of 0 to 8 leaves are those of Certificate Transparency', () => {
  assert.deepEqual(
    ROOTS.map((_, size) => toHex(rootOf(LEAVES.slice(0, size)))),
    ROOTS,
  )
})

test('RFC 9162 §2.1.1: a tree that grows leaf by leaf has the root of each size', () => {
  const tree = new Frontier()
  const leaves = leavesOf(70)
  for (const [k, leaf] of leaves.entries()) {
    tree.add(leaf)
    assert.equal(tree.size, k + 1)
    assert.deepEqual(tree.root(), rootOf(leaves.slice(0, k + 1)))
  }
})

test('RFC 9162 §2.1.3: every leaf of trees of up to 40 is shown to be in it, and no other, nor elsewhere', () => {
  for (let size = 1; size <= 40; size++) {
    const leaves = leavesOf(size)
    const tree = { size, root: rootOf(leaves) }
    for (const [index, leaf] of leaves.entries()) {
      const proof = inclusionProof(leaves, index)
      assert.equal(isIncluded(leaf, index, tree, proof), true)
      assert.equal(isIncluded(other, index, tree, proof), false)
      assert.equal(isIncluded(leaf, (index + 1) % (size + 1), tree, proof), false)
      assert.equal(isIncluded(leaf, index, { ...tree, root: other }, proof), false)
      assert.equal(isIncluded(leaf, index, tree, [...proof, other]), false)
      if (size > 1) assert.equal(isIncluded(leaf, index, tree, proof.slice(1)), false)
    }
  }
})

test('RFC 9162 §2.1.4: a tree is shown to go on from each of its beginnings, and a changed one is not (T-70)', () => {
  for (let size = 1; size <= 40; size++) {
    const leaves = leavesOf(size)
    const later = { size, root: rootOf(leaves) }
    for (let earlier = 0; earlier <= size; earlier++) {
      const before = { size: earlier, root: rootOf(leaves.slice(0, earlier)) }
      const proof = consistencyProof(leaves, earlier)
      assert.equal(isConsistent(before, later, proof), true, `${earlier} of ${size}`)
      if (earlier === 0) continue
      const changed = leaves.with(earlier - 1, other)
      const altered = { size, root: rootOf(changed) }
      assert.equal(isConsistent(before, altered, consistencyProof(changed, earlier)), false)
      assert.equal(isConsistent(before, later, [...proof, other]), false)
      if (proof.length > 0) assert.equal(isConsistent(before, later, proof.slice(1)), false)
    }
    assert.equal(isConsistent({ size: size + 1, root: later.root }, later, []), false)
  }
})
