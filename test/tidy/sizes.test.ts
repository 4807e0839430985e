// How long a file and a function may be: what is longer is not read in one piece.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { functionsIn } from './functions.ts'
import { type SourceFile, sourcesIn } from './source.ts'

const MOST = { fileLines: 400, medianLines: 149, functionLines: 70 } as const

const SOURCES = 'packages/*/src/**/*.{ts,tsx}'
const ALL = [SOURCES, 'packages/*/test/**/*.{ts,tsx}', 'test/**/*.ts', 'scripts/**/*.{ts,mjs}', 'examples/*.ts']

const linesOf = (file: SourceFile): number => file.text.trimEnd().split('\n').length

const longFiles = (files: readonly SourceFile[]): string[] =>
  files.filter((file) => linesOf(file) > MOST.fileLines).map((file) => `${file.path}: ${linesOf(file)} lines`)

const longFunctions = (files: readonly SourceFile[]): string[] =>
  files.flatMap((file) =>
    functionsIn(file)
      .filter(({ lines }) => lines > MOST.functionLines)
      .map(({ line, lines }) => `${file.path}:${line}: ${lines} lines`),
  )

function medianLines(files: readonly SourceFile[]): number {
  const sorted = files.map(linesOf).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

test(`no file is longer than ${MOST.fileLines} lines`, () => {
  assert.deepEqual(longFiles(sourcesIn(...ALL)), [])
})

test(`the median source file has at most ${MOST.medianLines} lines`, () => {
  assert.ok(medianLines(sourcesIn(SOURCES)) <= MOST.medianLines)
})

test(`no function is longer than ${MOST.functionLines} lines`, () => {
  assert.deepEqual(longFunctions(sourcesIn(...ALL)), [])
})

const planted = (text: string): SourceFile => ({ path: 'planted.ts', text })
/** Code that tries to mislead whoever counts brackets in text. */
const MISLEADING = ["  a += '}'", '  b(`{$' + '{c({ d: 1 })}`) // }', '  e(/[/}]/g) /* } */']
const body = (lines: number): string => Array.from({ length: lines }, (_, i) => MISLEADING[i % 3]).join('\n')

test('planted: a file of 401 lines is found, one of 400 passes', () => {
  assert.equal(longFiles([planted('x\n'.repeat(401))]).length, 1)
  assert.equal(longFiles([planted('x\n'.repeat(400))]).length, 0)
})

test('planted: a median of 150 lines is found', () => {
  assert.equal(medianLines([1, 150, 151].map((lines) => planted('x\n'.repeat(lines)))), 150)
})

/** Forms of a function around a body; each adds two lines. */
const FORMS: readonly (readonly [name: string, before: string, after: string])[] = [
  ['a declaration', 'function f(a: number, b = { c: 1 }): Promise<{ d: string }> {', '}'],
  ['an asynchronous generator', 'export async function* f<T extends { a: 1 }>(a: T) {', '}'],
  ['an arrow with a block', 'const f = async (a: () => void): Promise<void> => {', '}'],
  ['an arrow that is an argument', 'test("x", (t) => {', '})'],
  ['a static method', 'class A { static f(a: string | undefined): asserts a {', '} }'],
  ['a getter of an object', 'const o = { get f() {', '} }'],
  ['a constructor', 'class A { constructor(readonly_: number) {', '} }'],
]

test('planted: a function of 80 lines is found in each of its forms, one of 70 passes', () => {
  for (const [name, before, after] of FORMS) {
    const found = longFunctions([planted(`const z = 1\n${before}\n${body(78)}\n${after}\n`)])
    assert.deepEqual(found, ['planted.ts:2: 80 lines'], name)
    assert.deepEqual(longFunctions([planted(`${before}\n${body(68)}\n${after}\n`)]), [], name)
  }
})

test('planted: an arrow whose expression has 80 lines is found, one of 70 passes', () => {
  const list = (lines: number) => `const f = (a: number) =>\n  g([\n${'    a,\n'.repeat(lines - 3)}  ])\nconst h = 1\n`
  assert.deepEqual(longFunctions([planted(list(80))]), ['planted.ts:1: 80 lines'])
  assert.deepEqual(longFunctions([planted(list(70))]), [])
  const chain = (lines: number) => `const f = (a: A) =>\n  a\n${'    .b(1)\n'.repeat(lines - 2)}const h = 1\n`
  assert.deepEqual(longFunctions([planted(chain(80))]), ['planted.ts:1: 80 lines'])
  assert.deepEqual(longFunctions([planted(chain(70))]), [])
})

test('planted: what is no function is not measured', () => {
  const blocks = ['if (a) {', 'for (const a of b) {', 'const o = {', 'type A = {', 'interface A {', 'class A {']
  for (const open of blocks) {
    const inside = /^(?:type|interface|class)/.test(open) ? '' : open.startsWith('const') ? '  a: 1,\n' : '  a()\n'
    assert.deepEqual(longFunctions([planted(`${open}\n${(inside || '\n').repeat(90)}}\n`)]), [], open)
  }
  assert.deepEqual(longFunctions([planted(`describe('a', () => {\n${'  b()\n'.repeat(90)}})\n`)]), [])
})
