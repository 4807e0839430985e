// What was copied from elsewhere is unchanged: every such file has its SHA-256 beside it, and it fits.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { ROOT, readSource } from './source.ts'

/** Files that hold sums, as lines `<sha256>  <file beside it>`. */
const LISTS = ['vectors/README.md', 'vectors/wycheproof/SHA256SUMS', 'data/contacts/README.md', 'data/gaen/README.md']
/** What a copied file needs no sum for: our notes, the sums and the texts of licences. */
const NOTES = /(?:^|\/)(?:README\.md|SHA256SUMS|LICENSE|.*\.LICENSE\.txt)$/

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

interface Sum {
  readonly path: string
  readonly sum: string
}

const sumsIn = (list: string, text: string): Sum[] =>
  [...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, sum, name]) => ({
    path: posix.join(posix.dirname(list), name!),
    sum: sum!,
  }))

const findings = (sums: readonly Sum[], paths: readonly string[], read: (path: string) => Uint8Array): string[] => [
  ...paths.filter((path) => !sums.some((entry) => entry.path === path)).map((path) => `${path}: no sum is written`),
  ...sums.filter(({ path }) => !paths.includes(path)).map(({ path }) => `${path}: a sum, but no file`),
  ...sums
    .filter(({ path, sum }) => paths.includes(path) && sha256(read(path)) !== sum)
    .map(({ path }) => `${path}: changed`),
]

const vendored = globSync(['vectors/**/*', 'data/**/*'], { cwd: ROOT, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length).replaceAll('\\', '/'))
  .filter((path) => !NOTES.test(path))

test('every copied file fits the SHA-256 that is written beside it', () => {
  assert.ok(vendored.length >= 17)
  const sums = LISTS.flatMap((list) => sumsIn(list, readSource(list).text))
  assert.deepEqual(
    findings(sums, vendored, (path) => readFileSync(`${ROOT}${path}`)),
    [],
  )
})

test('planted: a changed file, a file without sum and a sum without file are found', () => {
  const good = sha256(new Uint8Array([1]))
  const sums = sumsIn('data/README.md', `text\n${good}  same\n${good}  changed\n${good}  gone\n`)
  const read = (path: string) => new Uint8Array([path === 'data/changed' ? 2 : 1])
  assert.deepEqual(findings(sums, ['data/same', 'data/changed', 'data/new'], read), [
    'data/new: no sum is written',
    'data/gone: a sum, but no file',
    'data/changed: changed',
  ])
})
