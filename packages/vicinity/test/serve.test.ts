import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ReportData } from '@vicinity/lab'
import { start } from './command.ts'

const directory = () => mkdtempSync(join(tmpdir(), 'vicinity-'))
const urlIn = (text: string): string => /http:\/\/[\d.]+:\d+/.exec(text)![0]

/** What the page of the demonstration asks for while it runs. */
async function news(url: string): Promise<ReportData> {
  const response = await fetch(`${url}/report.json`)
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  return ((await response.json()) as { report: ReportData }).report
}

test('serve answers, keeps its data, and ends when it is told to', async () => {
  const data = directory()
  for (const _ of ['first', 'again']) {
    const process = start(['serve', '--data', data, '--port', '0'])
    const url = urlIn(await process.prints(/health\/ready/))
    assert.equal((await fetch(`${url}/health/ready`)).status, 200)
    process.child.kill('SIGTERM')
    assert.equal((await process.ended).code, 0)
  }
  assert.equal(existsSync(join(data, 'vicinity.db')), true)
  assert.equal(readdirSync(join(data, 'keys')).includes('registration'), true)
})

test('serve refuses a database that was set up for another country', async () => {
  const data = directory()
  const first = start(['serve', '--data', data, '--port', '0'])
  await first.prints(/health\/ready/)
  first.child.kill('SIGTERM')
  await first.ended
  const { code, error } = await start(['serve', '--data', data, '--port', '0', '--country-code', '49']).ended
  assert.equal(code, 1)
  assert.match(error, /^vicinity: this database was set up as .*: start it with its own set-up and keys$/m)
})

test('serve runs a back-end of the deployed profile, with its parameters', async () => {
  const process = start(['serve', '--data', directory(), '--port', '0', '--profile', 'tac'])
  const url = urlIn(await process.prints(/health\/ready/))
  const { parameters } = (await (await fetch(`${url}/v1/parameters`)).json()) as { parameters: Record<string, number> }
  assert.equal(parameters['helloTolerance'], 180)
  process.child.kill('SIGTERM')
  assert.equal((await process.ended).code, 0)
  const { code, error } = await start(['serve', '--data', directory(), '--profile', 'other']).ended
  assert.equal(code, 1)
  assert.match(error, /^vicinity: --profile: one of spec, tac\n$/)
})

test('serve says which port is taken and what to do', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const { code, error } = await start(['serve', '--data', directory(), '--port', String(port)]).ended
  assert.equal(code, 1)
  assert.match(error, new RegExp(`^vicinity: port ${port} is taken: give another`, 'm'))
  taken.close()
})

test('the demonstration listens from the first second, on the next port when one is taken, and serves on', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const demo = start(['demo', '--port', String(port)], directory())
  t.after(() => demo.child.kill())
  const url = urlIn(await demo.prints(/listens at/))
  assert.notEqual(new URL(url).port, String(port))
  assert.equal((await fetch(`${url}/health/live`)).status, 200)
  const page = await fetch(url)
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
  assert.match(page.headers.get('content-security-policy')!, /^default-src 'none';.* script-src 'sha256-[^']+';/)
  assert.doesNotMatch(page.headers.get('content-security-policy')!, /unsafe/)
  assert.match(await page.text(), /Running: day \d+ of 13 …/)
  const early = await news(url)
  assert.deepEqual([early.done, early.people.length], [false, 217])
  await demo.prints(/goes on by the wall clock[\s\S]*health\/ready/)
  // It comes through another pipe.
  await demo.prints(/identifiers stored +33302/)
  const late = await news(url)
  assert.deepEqual([late.done, late.measures.identifiers.all, late.records], [true, 33_302, 78_249])
  assert.match(await (await fetch(url)).text(), /Complete: 13 days lived through\./)
  assert.equal((await fetch(`${url}/health/ready`)).status, 200)
  demo.child.kill('SIGINT')
  assert.equal((await demo.ended).code, 0)
  taken.close()
})
