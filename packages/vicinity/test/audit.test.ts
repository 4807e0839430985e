import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { run, start } from './command.ts'

const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
const path = join(directory, 'audit.log')
const copy = join(directory, 'copy.log')
let key = ''

before(async () => {
  const serving = start(['serve', '--data', directory, '--port', '0'])
  const printed = await serving.prints(/health\/ready/)
  key = /audit key +(04[0-9a-f]{128})/.exec(printed)![1]!
  serving.child.kill('SIGTERM')
  assert.equal((await serving.ended).code, 0)
})
after(() => rmSync(directory, { recursive: true, force: true }))

/** A copy of the log with other lines. */
function copied(change: (lines: string[]) => string[]): string {
  const lines = readFileSync(path, 'latin1').trimEnd().split('\n')
  writeFileSync(copy, `${change(lines).join('\n')}\n`)
  copyFileSync(`${path}.heads`, `${copy}.heads`)
  return copy
}

test('audit verify: the log of a back-end is as it was written, with its key in hexadecimal digits and in PEM', async () => {
  const x = Buffer.from(key.slice(2, 66), 'hex').toString('base64url')
  const y = Buffer.from(key.slice(66), 'hex').toString('base64url')
  const pem = join(directory, 'key.pem')
  const spki = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } })
  writeFileSync(pem, spki.export({ type: 'spki', format: 'pem' }))
  for (const given of [key, pem]) {
    const { code, out } = await run(['audit', 'verify', path, '--key', given, '--json'])
    const { ok, fault, entries, heads, newestHead, keyGiven } = JSON.parse(out)
    assert.deepEqual([code, ok, fault, keyGiven], [0, true, null, true])
    assert.ok(entries > 5 && heads === entries && newestHead.size === entries)
  }
  const { code, out } = await run(['audit', 'verify', path])
  assert.equal(code, 0)
  assert.match(out, /as it was written\n.*compare it, or give it with --key/s)
})

test('audit verify: names the first entry that was altered, deleted or cut off, and ends with 1 (T-70)', async () => {
  const found = async (change: (lines: string[]) => string[]) => {
    const { code, out } = await run(['audit', 'verify', copied(change), '--key', key, '--json'])
    assert.equal(code, 1)
    const { kind, entry } = JSON.parse(out).fault
    return `${kind} ${entry}`
  }
  assert.equal(await found((lines) => lines.with(3, lines[3]!.replace('"at":1', '"at":2'))), 'altered 3')
  assert.equal(await found((lines) => lines.toSpliced(2, 1)), 'deleted 2')
  assert.equal(await found((lines) => lines.slice(0, 4)), 'truncated 4')
})

test('audit verify: another key, and a head kept elsewhere that the log does not reach, end with 1 (T-70)', async () => {
  const other = `04${'6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'}${'4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'}`
  assert.match((await run(['audit', 'verify', path, '--key', other])).out, /: head: head 0 is damaged/)
  copied((lines) => lines.slice(0, 4))
  const heads = readFileSync(`${path}.heads`, 'latin1').split('\n')
  writeFileSync(`${copy}.heads`, `${heads.slice(0, 4).join('\n')}\n`)
  assert.equal((await run(['audit', 'verify', copy, '--key', key])).code, 0)
  const { code, out } = await run(['audit', 'verify', copy, '--key', key, '--witness', `${path}.heads`])
  assert.equal(code, 1)
  assert.match(out, /truncated: entry 4 /)
})

test('audit show: a line an entry, and what is wrong with the log at its end', async () => {
  const { code, out } = await run(['audit', 'show', path])
  assert.equal(code, 0)
  assert.match(out, /^ +0 {2}\S+Z {2}server {5}log\.opened /)
  assert.match(out, /server\.started .*setUp=[0-9a-f]{64}\n/)
  const lines = (await run(['audit', 'show', path, '--json'])).out.trimEnd().split('\n')
  assert.equal(JSON.parse(lines.at(-1)!).act, 'server.stopped')
  const broken = await run(['audit', 'show', copied((all) => all.toSpliced(2, 1))])
  assert.equal(broken.code, 1)
  assert.equal(broken.out.split('\n').length, 3)
  assert.match(broken.error, /^vicinity: deleted: entry 2 is missing/)
})

test('audit: a file that is not there, and a key that is none, are told in one line', async () => {
  const gone = await run(['audit', 'verify', join(directory, 'nowhere')])
  assert.deepEqual([gone.code, /^vicinity: .*nowhere cannot be read \(ENOENT\)\n$/.test(gone.error)], [1, true])
  assert.match((await run(['audit', 'verify', path, '--key', path])).error, /must hold a public key on P-256 in PEM/)
})
