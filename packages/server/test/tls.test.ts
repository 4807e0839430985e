// TLS by certificate files, on real sockets.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { listen } from '../src/listen.ts'
import { lineLog } from '../src/log.ts'
import { readTls } from '../src/tls.ts'
import { backEnd, NOON, temporaryDirectory } from './fixture.ts'

/** A certificate of its own authority, with its key, valid for some days. */
function certificateIn(directory: string, name: string, days: number) {
  const [certificate, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)]
  execFileSync('openssl', ['req', ...made, ...subject, '-keyout', key, '-out', certificate], { stdio: 'pipe' })
  return { certificate, key }
}

async function shaking(t: TestContext, url: string, ca: string, maxVersion?: SecureVersion): Promise<TLSSocket> {
  const port = Number(new URL(url).port)
  const versions =
    maxVersion === undefined ? {} : { minVersion: 'TLSv1' as const, maxVersion, ciphers: 'ALL:@SECLEVEL=0' }
  const socket = connect({ port, host: '127.0.0.1', ca, ...versions })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** The whole answer to a request on a connection that ends with it. */
async function ask(socket: TLSSocket): Promise<string> {
  let answer = ''
  socket.setEncoding('utf8').on('data', (data) => {
    answer += data
  })
  socket.write('GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await once(socket, 'close')
  return answer
}

test('a back-end with certificate files speaks TLS 1.2 and later, and nothing older', async (t) => {
  const directory = temporaryDirectory(t)
  const tls = certificateIn(directory, 'first', 30)
  const { deps, clock } = await backEnd(t)
  const listening = await listen(deps, () => clock.now, { host: '127.0.0.1', port: 0, tls })
  t.after(listening.close)
  assert.match(listening.url, /^https:/)
  const ca = readFileSync(tls.certificate, 'utf8')
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await shaking(t, listening.url, ca, version)
    assert.equal(socket.getProtocol(), version)
    assert.match(await ask(socket), /^HTTP\/1\.1 200 [\s\S]*\{"live":1\}$/)
  }
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    await assert.rejects(shaking(t, listening.url, ca, version), /protocol|alert|unsupported/i, version)
  }
  const days = (listening.certificateExpires()! - Date.now() / 1000) / 86_400
  assert.ok(days > 29 && days < 31)
})

test('a certificate that is replaced serves from the next connection on; one that is no good is logged and not taken', async (t) => {
  const directory = temporaryDirectory(t)
  const tls = certificateIn(directory, 'served', 30)
  const { deps, clock } = await backEnd(t)
  const lines: string[] = []
  const log = lineLog(
    (line) => lines.push(JSON.parse(line).event),
    () => NOON,
  )
  const listening = await listen(deps, () => clock.now, { host: '127.0.0.1', port: 0, tls, log })
  t.after(listening.close)
  const first = readFileSync(tls.certificate, 'utf8')
  const early = await shaking(t, listening.url, first)
  listening.reload()
  assert.deepEqual(lines, [])

  writeFileSync(tls.certificate, 'half a certif')
  listening.reload()
  assert.deepEqual(lines, ['certificate.refused'])
  await shaking(t, listening.url, first)

  const next = certificateIn(directory, 'next', 60)
  copyFileSync(next.certificate, tls.certificate)
  listening.reload()
  assert.deepEqual(lines, ['certificate.refused', 'certificate.refused'], 'the key is still that of the other')
  copyFileSync(next.key, tls.key)
  listening.reload()
  assert.equal(lines.at(-1), 'certificate.loaded')
  await assert.rejects(shaking(t, listening.url, first))
  await shaking(t, listening.url, readFileSync(next.certificate, 'utf8'))
  // Who was there before goes on.
  assert.match(await ask(early), /\{"live":1\}$/)
  assert.equal(listening.certificateExpires(), readTls(tls).expires)
})

test('a certificate and a key that do not fit are refused in words, before anything listens', (t) => {
  const directory = temporaryDirectory(t)
  const one = certificateIn(directory, 'one', 1)
  const other = certificateIn(directory, 'other', 1)
  assert.throws(
    () => readTls({ ...one, key: other.key }),
    /^BadCertificate: the key .*other\.key is not that of the certificate .*one\.pem: give the pair$/,
  )
  assert.throws(() => readTls({ ...one, key: join(directory, 'none') }), /none cannot be read$/)
  assert.throws(() => readTls({ certificate: one.key, key: one.key }), /holds no certificate in PEM$/)
  assert.throws(() => readTls({ ...one, key: one.certificate }), /holds no private key in PEM without a passphrase$/)
})
