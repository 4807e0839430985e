// The gate of `npm run check`: the protocol's own tests take every branch of the protocol and call every function of it.
// Excluded is crypto/: it wraps two libraries and is held together by vectors.
import { globSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const files = globSync('packages/protocol/test/**/*.test.ts').sort()
/** An entry that only passes on what others export has nothing to measure. */
const onlyExports = (path: string): boolean =>
  !/^(?!export (?:type )?[*{].* from |\/\/|$)/m.test(readFileSync(path, 'utf8'))
const gaps: string[] = []
let measured = 0

process.exitCode = 1 // until the coverage says otherwise
process.on('exit', () => {
  for (const gap of gaps) console.log(gap)
  console.log(`${measured} files measured by ${files.length} test files, ${gaps.length} gaps`)
})
if (files.length === 0) process.exit()

const options = {
  files: files.map((file) => resolve(file)),
  concurrency: 2,
  timeout: 120_000,
  execArgv: ['--conditions=@vicinity/source', '--disable-warning=ExperimentalWarning'],
  coverage: true,
  coverageIncludeGlobs: ['packages/protocol/src/**/*.ts'],
  coverageExcludeGlobs: ['packages/protocol/src/crypto/**', '**/*.generated.ts'],
  // A file that no test loads would be absent, and pass. (Not yet in the type declarations.)
  coverageIncludeAll: true,
}
const stream = run(options)
stream.on('test:fail', ({ name, file }) => gaps.push(`${relative('.', file ?? '')}: '${name}' failed`))
stream.on('test:coverage', ({ summary }) => {
  for (const { path, branches, functions, coveredLineCount, totalLineCount } of summary.files) {
    const name = relative('.', path)
    const lines = (found: readonly { line: number; count: number }[]) =>
      [...new Set(found.filter(({ count }) => count === 0).map(({ line }) => line))].sort((a, b) => a - b).join(', ')
    if (totalLineCount > 0 && coveredLineCount === 0 && !onlyExports(path)) gaps.push(`${name}: loaded by no test`)
    if (lines(functions)) gaps.push(`${name}: functions never called, lines ${lines(functions)}`)
    if (lines(branches)) gaps.push(`${name}: branches never taken, lines ${lines(branches)}`)
  }
  measured = summary.files.length
  process.exitCode = gaps.length === 0 && measured > 0 ? 0 : 1
})
stream.resume()
