import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readPeers } from '../src/peers.ts'
import { UsageError } from '../src/usage.ts'

const file = (json: unknown): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'vicinity-')), 'peers.json')
  writeFileSync(path, typeof json === 'string' ? json : JSON.stringify(json))
  return path
}
const point = Buffer.alloc(65, 4).toString('base64')
const peer = {
  name: 'east',
  index: 'https://east.example/exports/index.txt',
  keys: [{ keyId: '310', keyVersion: 'v1', point }],
}

test('peers: a list as another back-end gives its keys', () => {
  const [read] = readPeers(file([peer]))
  assert.deepEqual([read!.name, read!.index, read!.daysSinceOnset], ['east', peer.index, undefined])
  assert.deepEqual(
    [read!.keys].flat(2).map(({ keyId, keyVersion, point: { length } }) => [keyId, keyVersion, length]),
    [['310', 'v1', 65]],
  )
  assert.deepEqual(readPeers(file([])), [])
})

test('peers: what is wrong is said in one line', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['{', /peers\.json: .*JSON/],
    [{}, /expected a list/],
    [[null], /expected a list/],
    [[{ ...peer, name: '' }], /name: expected text/],
    [[{ ...peer, index: 'nowhere' }], /Invalid URL/],
    [[{ ...peer, keys: [] }], /a peer without keys/],
    [[{ ...peer, keys: [{ ...peer.keys[0], point: 'AAAA' }] }], /point: 65 bytes/],
    [[{ ...peer, keys: [{ ...peer.keys[0], point: '!' }] }], /point: /],
  ]
  for (const [json, expected] of cases) {
    assert.throws(
      () => readPeers(file(json)),
      (error) => error instanceof UsageError && expected.test(error.message),
    )
  }
  assert.throws(() => readPeers('/nowhere/peers.json'), UsageError)
})
