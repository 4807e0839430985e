import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run, start } from './command.ts'

const serve = (environment: Readonly<Record<string, string>>) =>
  start(['serve', '--data', mkdtempSync(join(tmpdir(), 'vicinity-')), '--port', '0'], undefined, environment)
const urlIn = (text: string): string => /http:\/\/[\d.]+:\d+/.exec(text)![0]

async function post(url: string, path: string, key: string, body: object) {
  const headers = { 'content-type': 'application/json', 'x-api-key': key }
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const said = (await response.json()) as Record<string, string>
  return { status: response.status, said, headers: response.headers }
}

test('serve takes the keys of the verification server from the environment: from a code to a certificate over HTTP', async (t) => {
  const process = serve({ VICINITY_ADMIN_API_KEY: 'authority', VICINITY_DEVICE_API_KEY: 'app' })
  t.after(() => process.child.kill())
  const url = urlIn(await process.prints(/health\/ready/))
  const testDate = new Date().toISOString().slice(0, 10)
  const issued = await post(url, '/api/issue', 'authority', { testType: 'confirmed', testDate })
  assert.equal(issued.status, 200)
  assert.match(issued.headers.get('content-type')!, /^application\/json/)
  assert.equal(issued.headers.get('content-length'), '3072')
  const verified = await post(url, '/api/verify', 'app', { code: issued.said['code'], accept: ['confirmed'] })
  assert.equal(verified.said['testtype'], 'confirmed')
  const ekeyhmac = Buffer.alloc(32, 1).toString('base64')
  const certified = await post(url, '/api/certificate', 'app', { token: verified.said['token'], ekeyhmac })
  const header = JSON.parse(Buffer.from(certified.said['certificate']!.split('.')[0]!, 'base64url').toString())
  const keys = (await (await fetch(`${url}/jwks/1`)).json()) as { readonly kid: string }[]
  assert.ok(keys.some(({ kid }) => kid === header.kid))
  assert.equal((await post(url, '/api/issue', 'app', {})).status, 401)
  process.child.kill('SIGTERM')
  assert.equal((await process.ended).code, 0)
})

test('without keys in the environment the verification server is closed; the help says how it is opened', async (t) => {
  const process = serve({})
  t.after(() => process.child.kill())
  const url = urlIn(await process.prints(/health\/ready/))
  for (const path of ['/api/issue', '/api/verify']) assert.equal((await post(url, path, '', {})).status, 401)
  const { out } = await run(['serve', '--help'])
  for (const name of ['VICINITY_AUTHORITY_TOKEN', 'VICINITY_ADMIN_API_KEY', 'VICINITY_DEVICE_API_KEY']) {
    assert.match(out, new RegExp(name))
  }
})
