import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { concat, dayOf, type Epoch, fromHex, type NtpSeconds, ntpOf, toHex, type UnixSeconds } from '@vicinity/protocol'
import { buildRequest, CODE, makeEbids, renewPayload, SPEC, sealReply, serverKeyOf } from '@vicinity/protocol/robert'
import { inspectEcc } from '../src/inspect/ecc.ts'
import { inspectReply } from '../src/inspect/reply.ts'
import { inspectRequest } from '../src/inspect/request.ts'
import { run } from './command.ts'

interface Vectors {
  readonly authRequest: readonly {
    readonly layout: string
    readonly prefix: string
    readonly kAuth: string
    readonly ebid: string
    readonly epoch: number
    readonly ntpSeconds: number
    readonly mac: string
  }[]
  readonly ebid: readonly {
    readonly ebid: string
    readonly ecc?: string
    readonly kg?: string
    readonly countryCode?: string
  }[]
}
const vectors: Vectors = JSON.parse(readFileSync(new URL('../../../vectors/robert.json', import.meta.url), 'utf8'))
const NAMES: Readonly<Record<string, string>> = { '02': 'status', '03': 'unregister', '04': 'deleteHistory' }
const uint32 = (value: number) => (value % 2 ** 32).toString(16).padStart(8, '0')
const NOON = (Date.UTC(2026, 2, 5, 12) / 1000) as UnixSeconds
const KEY = fromHex('5a'.repeat(32))
const EPOCH = 96 as Epoch

test('inspect request shows the published requests, and that their MAC is valid in their profile only', () => {
  for (const vector of vectors.authRequest) {
    const head = vector.prefix + vector.ebid + uint32(vector.epoch) + uint32(vector.ntpSeconds)
    const hex = head + '00'.repeat(47) + vector.mac
    const at = (vector.ntpSeconds - 2_208_988_800) as UnixSeconds
    const own = vector.layout.startsWith('tac') ? 'tac' : 'spec'
    for (const profile of ['spec', 'tac']) {
      assert.deepEqual(inspectRequest(hex, { authenticationKey: vector.kAuth, profile }, at), {
        code: Number.parseInt(vector.prefix, 16),
        asks: NAMES[vector.prefix],
        ebid: vector.ebid,
        epoch: vector.epoch,
        time32: uint32(vector.ntpSeconds),
        sent: new Date(at * 1000).toISOString().replace('.000Z', 'Z'),
        mac: vector.mac,
        macValid: profile === own,
      })
    }
  }
  assert.equal(vectors.authRequest.length, 7)
})

/** A request of the user 7, made with the real code. */
function requestOf(code: number, payload: Uint8Array): string {
  const ebid = makeEbids(serverKeyOf(fromHex('11'.repeat(24))), 7, EPOCH, 1)
  return toHex(buildRequest(SPEC, KEY, { code, ebid, epoch: EPOCH, time: ntpOf(NOON), payload }))
}

test('inspect request says what the payload means, and with the server key who asks', async () => {
  const fields = (code: number, payload: Uint8Array) =>
    inspectRequest(requestOf(code, payload), { profile: 'spec' }, NOON)
  assert.equal(fields(CODE.renew, renewPayload(1234 as Epoch))['first'], 1234)
  assert.equal(fields(CODE.acknowledge, fromHex('0102030405060708'))['replyId'], '0102030405060708')
  assert.equal(fields(CODE.reset, fromHex('ab'.repeat(36)))['token'], 'ab'.repeat(36))
  assert.equal(fields(CODE.status, new Uint8Array(0))['payload'], undefined)
  assert.equal(fields(CODE.status, fromHex('01'))['payload'], `01${'00'.repeat(46)}`)
  assert.equal(fields(9, new Uint8Array(0))['asks'], 'unknown')
  const keys = ['--server-key', '11'.repeat(24), '--authentication-key', toHex(KEY)]
  const { code, out } = await run(['inspect', 'request', requestOf(CODE.status, new Uint8Array(0)), ...keys, '--json'])
  assert.equal(code, 0)
  assert.equal(out.trim().split('\n').length, 1)
  const shown = JSON.parse(out)
  assert.deepEqual(
    [shown.sent, shown.permanentId, shown.epochMatches, shown.macValid],
    ['2026-03-05T12:00:00Z', '0000000007', true, true],
  )
})

test('inspect request of an epoch beyond 24 bits: no MAC of profile spec can be valid', () => {
  const hex = `02${'00'.repeat(8)}01000000${uint32(ntpOf(NOON))}${'00'.repeat(47 + 32)}`
  const fields = inspectRequest(hex, { profile: 'spec', authenticationKey: toHex(KEY) }, NOON)
  assert.deepEqual([fields['epoch'], fields['macValid']], [2 ** 24, false])
})

const reply = {
  kind: CODE.status,
  atRisk: true,
  serverTime: (ntpOf(NOON) + 1) as NtpSeconds,
  replyId: fromHex('0102030405060708'),
  nextPoll: 28_800,
  exposureDay: dayOf(NOON),
  list: { first: EPOCH, pairs: concat(fromHex('aa'.repeat(9)), fromHex('bb'.repeat(9))) },
}
const sealed = toHex(sealReply(KEY, reply, (length) => new Uint8Array(length).fill(7)))

test('inspect reply opens what was sealed for the key, and tells what it says', async () => {
  const { code, out } = await run(['inspect', 'reply', sealed, '--encryption-key', toHex(KEY), '--pairs', '--json'])
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), {
    iv: '07'.repeat(12),
    tag: sealed.slice(-32),
    opens: true,
    answers: 'status',
    atRisk: true,
    serverTime: '2026-03-05T12:00:01Z',
    replyId: '0102030405060708',
    nextPoll: 28_800,
    exposureDay: '2026-03-05',
    first: 96,
    count: 2,
    pairs: 'aa'.repeat(9) + 'bb'.repeat(9),
  })
  const none = toHex(sealReply(KEY, { ...reply, exposureDay: 0 }, (length) => new Uint8Array(length)))
  assert.equal(inspectReply(none, { encryptionKey: toHex(KEY) })['exposureDay'], 'none')
})

test('inspect reply of another phone, or of a refused request: it does not open', () => {
  const { opens, ...rest } = inspectReply(sealed, { encryptionKey: '00'.repeat(32) })
  assert.equal(opens, false)
  assert.deepEqual(Object.keys(rest), ['iv', 'tag'])
  assert.deepEqual(Object.keys(inspectReply(sealed, {})), ['iv', 'tag'])
})

test('inspect ecc opens the published country codes', async () => {
  let ran = 0
  for (const { ebid, ecc, kg, countryCode } of vectors.ebid) {
    if (ecc === undefined || kg === undefined || countryCode === undefined) continue
    const fields = { ebid, ecc, countryCode: Number.parseInt(countryCode, 16) }
    assert.deepEqual(inspectEcc(ebid, ecc, { federationKey: kg }), fields)
    ran++
  }
  assert.equal(ran, 8)
  const [{ ebid, ecc, kg } = assert.fail()] = vectors.ebid
  const { code, out } = await run(['inspect', 'ecc', ebid, ecc!, '--federation-key', kg!])
  assert.equal(code, 0)
  assert.equal(out, 'ebid           caa7d5b0fba7aea7\necc            c2\ncountryCode    33\n')
})

test('what is no request, reply or code is refused in one line that says what is wanted', async () => {
  for (const [args, error] of [
    [['request', '00'], 'HEX must be 192 hexadecimal digits'],
    [['reply', '00'.repeat(921)], 'HEX must be 1844 hexadecimal digits'],
    [['reply', sealed, '--encryption-key', '00'], '--encryption-key must be 64 hexadecimal digits'],
    [['ecc', '00', '00'], 'EBID must be 16 hexadecimal digits'],
    [['ecc', '00'.repeat(8), '0'], 'ECC must be 2 hexadecimal digits'],
    [['ecc', '00'.repeat(8), '00'], '--federation-key is needed: nothing else opens a country code'],
  ] as const) {
    const ended = await run(['inspect', ...args])
    assert.equal(ended.code, 1)
    assert.equal(ended.error, `vicinity: ${error}\n`)
    assert.equal(ended.out, '')
  }
})
