// Runs the tests and ends with one line: `N passed, M failed`, and how many were skipped if any were.
// Options: --only PATTERN (names of tests), --coverage; other arguments are globs of test files.
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const TEST_TIMEOUT = 120_000
/** No test may be silent for longer: then a file does not end, though its tests did. */
const SILENCE = TEST_TIMEOUT + 30_000

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, coverage: { type: 'boolean', default: false } },
})
const globs = positionals.length > 0 ? positionals : ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts']
const files = globSync(globs, { exclude: ['**/node_modules/**'] }).sort()
const started = performance.now()

const counts = { passed: 0, failed: 0, skipped: 0 }
/** A file ends with a summary of its own; one that has no test, or that leaves in the middle, does not. */
const unfinished = new Set(files.map((file) => resolve(file)))
let succeeded = false

process.on('exit', () => {
  for (const file of unfinished) console.log(`✖ no test came to an end in ${file}`)
  counts.failed += unfinished.size
  const { passed, failed, skipped } = counts
  const forbidden = skipped > 0 && Boolean(process.env['CI'])
  if (forbidden) console.log('✖ where CI is set, no test may be skipped')
  if (passed + failed === 0) console.log(`✖ no test ran: ${[...globs, values.only ?? ''].join(' ').trim()}`)
  process.exitCode = failed > 0 || passed === 0 || forbidden || !succeeded ? 1 : 0
  console.log(`${files.length} files, ${((performance.now() - started) / 1000).toFixed(1)} s`)
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
})
if (files.length === 0) process.exit()

const patience = new AbortController()
const giveUp = setTimeout(() => patience.abort(), SILENCE).unref()
const stream = run({
  files: [...unfinished],
  concurrency: 2,
  timeout: TEST_TIMEOUT,
  signal: patience.signal,
  execArgv: ['--conditions=@vicinity/source', '--disable-warning=ExperimentalWarning'],
  ...(values.only !== undefined && { testNamePatterns: [values.only] }),
  ...(values.coverage && {
    coverage: true,
    coverageIncludeGlobs: ['packages/*/src/**/*.ts'],
    coverageExcludeGlobs: ['**/*.generated.ts'],
  }),
})
stream.on('data', () => giveUp.refresh())
stream.on('test:pass', ({ name, file, details, skip, todo }) => {
  if (details.type === 'suite' || name === file) return
  if (skip === undefined && todo === undefined) counts.passed++
  else counts.skipped++
})
stream.on('test:fail', ({ name, file, details, todo }) => {
  if (name === file) unfinished.delete(file)
  if (todo !== undefined) counts.skipped++
  else if (details.type !== 'suite') counts.failed++
})
stream.on('test:summary', ({ file, counts: { suites, tests }, success }) => {
  if (file !== undefined) unfinished.delete(file)
  else {
    succeeded = success
    // A group may fail outside its tests.
    if (!success && counts.failed === 0 && suites + tests > 0) counts.failed = 1
  }
})
stream.compose(new spec()).pipe(process.stdout)
