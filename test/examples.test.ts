import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { importsOf, ROOT, sourcesIn } from './tidy/source.ts'

test('examples use what the packages export, and nothing else', () => {
  const examples = sourcesIn('examples/*.ts')
  assert.deepEqual(
    examples.map(({ path }) => path),
    ['examples/two-phones.ts'],
  )
  for (const { specifier, place } of examples.flatMap(importsOf)) assert.match(specifier, /^@vicinity\//, place)
})

test('examples/two-phones.ts tells the story that README promises, the same each time', () => {
  const run = () => {
    const args = ['--conditions=@vicinity/source', 'examples/two-phones.ts']
    return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', timeout: 60_000 })
  }
  const { status, stdout, stderr } = run()
  assert.equal(stderr, '')
  assert.equal(status, 0)
  const lines = stdout.trim().split('\n')
  for (const line of lines) assert.match(line, /^2020-06-0[123] \d\d:\d\d {2}\S/)
  const expected = [
    /Ana's phone registers and holds identifiers for 480 epochs$/,
    /Ben's phone registers and holds identifiers for 480 epochs$/,
    /Ana's phone broadcasts [0-9a-f]{32}$/,
    /Ben's phone keeps 4 items of what it heard/,
    /Ben is diagnosed and gets the code \w{4}-\w{4}-\w{4}-\w{4}$/,
    / 768 items were uploaded, 4 of them accepted$/,
    /Ana is warned$/,
    /Ben is not warned$/,
  ]
  assert.equal(lines.length, expected.length, stdout)
  for (const [k, pattern] of expected.entries()) assert.match(lines[k]!, pattern)
  assert.equal(run().stdout, stdout)
})
