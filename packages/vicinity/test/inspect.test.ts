import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { inspectHello } from '../src/inspect/hello.ts'
import { run } from './command.ts'

interface HelloVector {
  readonly name: string
  readonly hello: string
  readonly ks: string
  readonly kg: string
  readonly kAuth: string
  readonly ebid: string
  readonly ecc: string
  readonly mac: string
  readonly time16: string
  readonly id: string
  readonly epoch: number
  readonly countryCode: string
}
const vectors: { hello: HelloVector[] } = JSON.parse(
  readFileSync(new URL('../../../vectors/robert.json', import.meta.url), 'utf8'),
)

test('inspect hello shows the fields of the published HELLOs, and with the keys what is inside', async () => {
  const whole = vectors.hello.filter((vector) => vector.ks !== undefined)
  assert.equal(whole.length, 3)
  for (const vector of whole) {
    const keys = ['--server-key', vector.ks, '--federation-key', vector.kg, '--authentication-key', vector.kAuth]
    const { code, out } = await run(['inspect', 'hello', vector.hello, ...keys, '--json'])
    assert.equal(code, 0)
    assert.equal(out.trim().split('\n').length, 1)
    assert.deepEqual(JSON.parse(out), {
      ecc: vector.ecc,
      ebid: vector.ebid,
      time16: vector.time16,
      mac: vector.mac,
      countryCode: Number.parseInt(vector.countryCode, 16),
      epoch: vector.epoch,
      permanentId: vector.id,
      macValid: true,
    })
  }
})

test('without keys only what everybody can read; a key of another phone makes macValid false', () => {
  const [vector] = vectors.hello.filter(({ ks }) => ks !== undefined)
  assert.deepEqual(Object.keys(inspectHello(vector!.hello, {})), ['ecc', 'ebid', 'time16', 'mac'])
  assert.equal(inspectHello(vector!.hello, { authenticationKey: '00'.repeat(32) })['macValid'], false)
})

test('with the start of the service the second of the broadcast is told', () => {
  const vector = vectors.hello.find(({ name }) => name === 'time16 wraps inside this epoch')!
  const { sent } = inspectHello(vector.hello, { serverKey: vector.ks, serviceStart: 1_590_969_600 })
  assert.equal(Date.parse(String(sent)) / 1000, 3_860_135_936 - 2_208_988_800)
})

test('what is no HELLO is refused in one line that says what is wanted', async () => {
  for (const hex of ['00', 'zz'.repeat(16), '00'.repeat(17)]) {
    const { code, error } = await run(['inspect', 'hello', hex])
    assert.equal(code, 1)
    assert.equal(error, 'vicinity: HEX must be 32 hexadecimal digits\n')
  }
  const { error } = await run(['inspect', 'hello', '00'.repeat(16), '--server-key', '00'])
  assert.equal(error, 'vicinity: --server-key must be 48 hexadecimal digits\n')
})
