// Strict durability with a real standby: when it is lost nothing more is taken in, when it is back all goes on.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { api } from '@vicinity/protocol'
import { DEFAULT_SETTINGS } from '../../packages/server/src/deps.ts'
import { serve } from '../../packages/server/src/main.ts'
import { postgresPrograms } from '../../packages/server/src/store/throwaway.ts'
import { makeCluster } from './cluster.ts'

const WITHOUT = postgresPrograms() === undefined && !process.env['CI']
const PATIENCE_SECONDS = 40

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const from = performance.now(); !(await holds()); await pause(200)) {
    assert.ok(performance.now() - from < PATIENCE_SECONDS * 1000, what)
  }
}

test('a back-end of strict durability takes nothing in while its standby is lost, says so, and goes on when it is back', async (t) => {
  if (WITHOUT) return t.diagnostic('no PostgreSQL 15 or later on this machine')
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  chmodSync(directory, 0o755)
  const primary = await makeCluster(join(directory, 'primary'))
  await primary.start()
  const standby = await primary.makeStandby(join(directory, 'standby'))
  await standby.start()
  t.after(async () => {
    await standby.stop()
    await primary.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const running = await serve({
    settings: DEFAULT_SETTINGS,
    store: `postgres:///postgres?host=${encodeURIComponent(primary.directory)}&user=vicinity&connections=2`,
    keys: join(directory, 'keys'),
    host: '127.0.0.1',
    port: 0,
    threads: 0,
    durability: 'strict',
  })
  t.after(running.close)
  const ready = async () => (await fetch(`${running.url}${api.ready.path}`)).json() as Promise<{ error?: string }>
  const upload = async () => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`${running.url}${api.upload.path}`, { method: 'POST', headers, body: '{}' })).status
  }
  await until('it was never ready', async () => (await ready()).error === undefined)
  assert.equal(await upload(), 400)
  await standby.killAll()
  await until('the loss was not noticed', async () => (await ready()).error === 'not ready: standby')
  assert.equal(await upload(), 503)
  await standby.start()
  await until('it did not go on', async () => (await ready()).error === undefined)
  assert.equal(await upload(), 400)
})
