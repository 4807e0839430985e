// The examples for who runs the back-end: read by the programs that they are for, where those are installed.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT } from './command.ts'

const example = (name: string): string => readFileSync(`${ROOT}examples/${name}`, 'utf8')

/** A directory with a certificate, as the examples want it. */
function certificates(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [certificate, key] = [join(directory, 'fullchain.pem'), join(directory, 'privkey.pem')]
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=a']
  assert.equal(spawnSync('openssl', [...made, '-keyout', key, '-out', certificate]).status, 0)
  writeFileSync(join(directory, 'vicinity.pem'), readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'))
  return directory
}

/** What a program says of a file; undefined where it is not installed. */
function checked(program: string, args: readonly string[]): { status: number | null; said: string } | undefined {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return error === undefined ? { status, said: `${stdout}${stderr}` } : undefined
}

test('nginx takes the example', (t) => {
  const directory = certificates(t)
  const site = example('nginx.conf')
    .replaceAll('/etc/vicinity/tls', directory)
    .replaceAll('/var/log/nginx', directory)
    .replaceAll(/listen (\[::\]:)?443/g, 'listen $118443')
  writeFileSync(join(directory, 'site.conf'), site)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${directory}/${each};`,
  )
  const main = `pid ${directory}/pid; error_log ${directory}/error;\nevents {}\nhttp { ${temporary.join(' ')} include ${directory}/site.conf; }`
  writeFileSync(join(directory, 'nginx.conf'), main)
  const found = checked('nginx', ['-t', '-c', join(directory, 'nginx.conf')])
  if (found === undefined) return t.diagnostic('no nginx on this machine')
  assert.equal(found.status, 0, found.said)
})

test('HAProxy takes the example', (t) => {
  const directory = certificates(t)
  const file = join(directory, 'haproxy.cfg')
  writeFileSync(
    file,
    example('haproxy.cfg').replaceAll('/etc/vicinity/tls', directory).replace('maxconn 20000', 'maxconn 2000'),
  )
  const found = checked('haproxy', ['-c', '-f', file])
  if (found === undefined) return t.diagnostic('no HAProxy on this machine')
  assert.equal(found.status, 0, found.said)
})

test('systemd takes the unit, and the unit gives the back-end more time to stop than it takes', (t) => {
  const unit = example('vicinity.service')
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > 10)
  for (const line of [
    'LimitCORE=0',
    'ProtectSystem=strict',
    'NoNewPrivileges=yes',
    'Restart=on-failure',
    'UMask=0077',
  ]) {
    assert.ok(unit.includes(`\n${line}\n`), line)
  }
  const directory = certificates(t)
  const file = join(directory, 'vicinity.service')
  writeFileSync(file, unit.replaceAll('/usr/bin/vicinity', process.execPath))
  const found = checked('systemd-analyze', ['verify', '--man=no', file])
  if (found === undefined) return t.diagnostic('no systemd on this machine')
  const complaints = found.said.split('\n').filter((line) => line.includes('vicinity.service'))
  assert.deepEqual(complaints, [])
})

test('no proxy of the examples passes on or logs who calls', () => {
  const nginx = example('nginx.conf')
  assert.match(nginx, /^ {2}access_log off;$/m)
  assert.match(nginx, /^ {4}proxy_pass_request_headers off;$/m)
  assert.doesNotMatch(nginx, /proxy_set_header\s+(X-Forwarded|X-Real|Forwarded|User-Agent|Cookie)/i)
  const haproxy = example('haproxy.cfg')
  assert.doesNotMatch(haproxy, /^\s*(log |option\s+(forwardfor|httplog|tcplog|forwarded))/m)
  for (const name of ['x-forwarded', 'forwarded', 'user-agent', 'cookie']) {
    assert.match(haproxy, new RegExp(`http-request del-header ${name}\\b`))
  }
})
