// `vicinity store` as an operator runs it: beside the service, and after the database was lost.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, start } from './command.ts'

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** A service that runs for as long as `meanwhile` takes. */
async function serving(data: string, meanwhile: () => Promise<void>): Promise<void> {
  const server = start(['serve', '--data', data, '--port', '0'])
  await server.prints(/health\s/)
  await meanwhile()
  server.child.kill('SIGTERM')
  assert.equal((await server.ended).code, 0)
}

const succeeds = async (...args: string[]): Promise<string> => {
  const { code, out, error } = await run(['store', ...args])
  assert.equal(code, 0, error)
  return out
}
async function fails(words: RegExp, ...args: string[]): Promise<void> {
  const { code, error } = await run(args)
  assert.equal(code, 1)
  assert.match(error, words)
  assert.doesNotMatch(error, /\n\s+at /, 'no stack')
}

test('store: a backup beside the service, a drill, the loss, the restore, and the service goes on (T-71, S18)', async (t) => {
  const data = directory(t)
  const backup = join(data, 'day.backup')
  await serving(data, async () => {
    const made = JSON.parse(await succeeds('backup', '--data', data, '--out', backup, '--json'))
    assert.deepEqual([made.generation, made.rows.set_up], [0, 1])
    assert.match(await succeeds('verify', backup, '--data', data), /: whole, of 20.*set_up +1\n/s)
    const drill = `sqlite:${join(data, 'drill.db')}`
    assert.match(await succeeds('restore', backup, '--data', data, '--store', drill, '--rehearse'), /could be restored/)
  })
  assert.equal(existsSync(join(data, 'keys', 'generation-1')), false)
  await fails(
    /generation -1, the key directory of generation 0/,
    'serve',
    '--data',
    data,
    '--store',
    `sqlite:${join(data, 'drill.db')}`,
  )
  await fails(/is not empty: a backup is restored into a new one/, 'store', 'restore', backup, '--data', data)

  for (const end of ['', '-wal', '-shm']) rmSync(join(data, `vicinity.db${end}`), { force: true })
  const restored = JSON.parse(await succeeds('restore', backup, '--data', data, '--json'))
  assert.deepEqual([restored.generation, restored.left, restored.unreadable], [1, 0, 0])
  await serving(data, async () => {})
  const { out } = await run(['audit', 'show', join(data, 'audit.log'), '--json'])
  const acts = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    acts.filter(({ act }) => act.startsWith('store.')).map(({ act, details }) => [act, details.generation]),
    [['store.restored', 1]],
  )
  assert.equal((await run(['audit', 'verify', join(data, 'audit.log')])).code, 0)
})

test('store: an old copy that was put back is refused until it is adopted', async (t) => {
  const data = directory(t)
  const file = join(data, 'vicinity.db')
  await serving(data, async () => {})
  const old = readFileSync(file)
  assert.match(await succeeds('adopt', '--data', data), /of generation 1 now; 0 users of it had left/)
  await serving(data, async () => {})
  writeFileSync(file, old)
  await fails(/of generation 0, the key directory of generation 1: this is not the database/, 'serve', '--data', data)
  assert.deepEqual(JSON.parse(await succeeds('adopt', '--data', data, '--json')), { generation: 2, left: 0 })
  await serving(data, async () => {})
})

test('store: what cannot be done is told in one line that says what to do', async (t) => {
  const data = directory(t)
  const none = join(data, 'none')
  await fails(
    /there are no keys in .*: give --config, --data or --keys/,
    'store',
    'backup',
    '--data',
    none,
    '--out',
    none,
  )
  await serving(data, async () => {})
  await fails(/the key directory has no key of backups/, 'store', 'verify', none, '--keys', directory(t))
  await fails(/no such file/, 'store', 'verify', none, '--data', data)
  writeFileSync(none, 'anything\n')
  await fails(/this is no backup of this program/, 'store', 'verify', none, '--data', data)
  await fails(/there is a file of this name already/, 'store', 'backup', '--data', data, '--out', none)
  await fails(
    /sqlite:PATH or postgres:/,
    'store',
    'backup',
    '--data',
    data,
    '--store',
    'sqlite::memory:',
    '--out',
    `${none}2`,
  )
  await fails(/there is no directory .*revives them/, 'store', 'adopt', '--data', data, '--also-departed', `${none}3`)
  await fails(
    /cannot be reached/,
    'store',
    'prepare',
    '--citus',
    '--store',
    'postgres://me:secret@127.0.0.1:1/none?bucketBits=6',
  )
})
