// The stories again, on the other engines of the store. Here those that touch most of the store; all of them by
// `VICINITY_STORY_STORE=sqlite:DIRECTORY npm test -- 'test/stories/*.test.ts'`, or a URL of PostgreSQL in its place.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { postgresPrograms, startThrowaway } from '../packages/server/src/store/throwaway.ts'

const IN_FILE = ['warning', 'counting', 'registrations', 'gaen-warning']
const IN_POSTGRES = ['warning', 'registrations']
/** A loaded machine takes several times as long as a quiet one. */
const TIMEOUT = 240_000
const OPTIONS = ['--conditions=@vicinity/source', '--disable-warning=ExperimentalWarning', '--test']

/** Tells the stories of some files, of which there are at least so many: a run of none would hold too. */
async function tell(store: string, names: readonly string[], least: number): Promise<void> {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const env = { ...environment, VICINITY_STORY_STORE: store }
  const args = [
    ...OPTIONS,
    '--test-concurrency=2',
    '--test-reporter=tap',
    ...names.map((name) => `test/stories/${name}.test.ts`),
  ]
  const told = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 2 ** 26 }).catch(
    (error: { stdout: string }) =>
      assert.fail(
        error.stdout
          .split('\n')
          .filter((line) => !/^\s*ok /.test(line))
          .join('\n'),
      ),
  )
  const [, passed] = /^# pass (\d+)$/m.exec(told.stdout)!
  assert.ok(Number(passed) >= least, `${passed} stories`)
}

test('stories hold on sqlite: in a file, in the thread of the store', { timeout: TIMEOUT }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'stories-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  await tell(`sqlite:${directory}`, IN_FILE, 25)
})

const without = postgresPrograms() === undefined && !process.env['CI']
const skip = without ? 'no PostgreSQL 15 or later on this machine: apt-get install postgresql' : false

test('stories hold on postgres:', { skip, timeout: TIMEOUT }, async (t) => {
  const cluster = await startThrowaway()
  t.after(cluster.stop)
  await tell(cluster.url, IN_POSTGRES, 9)
})
