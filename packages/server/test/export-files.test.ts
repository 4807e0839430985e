// Files of exports: one contract for memory and directory.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { directoryFiles, type ExportFiles, memoryFiles } from '../src/export-files.ts'
import { temporaryDirectory } from './fixture.ts'

const KINDS: Readonly<Record<string, (t: TestContext) => ExportFiles>> = {
  memory: () => memoryFiles(),
  directory: (t) => directoryFiles(join(temporaryDirectory(t), 'not', 'there', 'yet')),
}
const bytes = (...values: number[]) => Uint8Array.of(...values)

for (const [kind, make] of Object.entries(KINDS)) {
  test(`export files in ${kind}: what is written is read, replaced and listed by name`, async (t) => {
    const files = make(t)
    assert.deepEqual(await files.list(), [])
    assert.equal(await files.read('a.zip'), undefined)
    await files.write('b/c.zip', bytes(1, 2))
    await files.write('a.zip', bytes())
    assert.deepEqual(await files.list(), ['a.zip', 'b/c.zip'])
    assert.deepEqual(await files.read('b/c.zip'), bytes(1, 2))
    assert.deepEqual(await files.read('a.zip'), bytes())
    assert.equal(await files.read('b'), undefined, 'a directory is no file')
    assert.equal(await files.read('a.zip/x'), undefined)
    await files.write('b/c.zip', bytes(3))
    assert.deepEqual(await files.read('b/c.zip'), bytes(3))
  })

  test(`export files in ${kind}: what is removed is gone, what is not there is no error`, async (t) => {
    const files = make(t)
    await files.write('a.zip', bytes(1))
    await files.remove('a.zip')
    await files.remove('a.zip')
    assert.deepEqual(await files.list(), [])
  })

  test(`export files in ${kind}: bytes that change after they were written change nothing`, async (t) => {
    const files = make(t)
    const written = bytes(1)
    await files.write('a.zip', written)
    written[0] = 2
    assert.deepEqual(await files.read('a.zip'), bytes(1))
  })
}

test('export files in a directory: what was left unfinished is not listed, and removed at the next start', async (t) => {
  const directory = temporaryDirectory(t)
  const files = directoryFiles(directory)
  await files.write('a.zip', bytes(1))
  writeFileSync(join(directory, 'b.zip.1.unfinished'), 'half')
  assert.deepEqual(await files.list(), ['a.zip'])
  directoryFiles(directory)
  assert.deepEqual(readdirSync(directory), ['a.zip'])
})

test('export files in a directory: an error of the disk is not taken for a file that is not there', async (t) => {
  const files = directoryFiles(temporaryDirectory(t))
  await assert.rejects(files.read('x'.repeat(300)), { code: 'ENAMETOOLONG' })
})
