import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { ecdsaSign, hmacSha256, publicPoint } from '../src/crypto/node.ts'
import {
  buildCertificate,
  CERTIFICATE_REFUSALS,
  type CertificateClaims,
  type CertificateRefusal,
  type CertifiedKey,
  fromBase64,
  type IntervalNumber,
  LONGEST_JWT,
  parseCertificate,
  parseJwt,
  signJwt,
  TEST_TYPES,
  tekMac,
  tekMacFits,
  toBase64,
  verifyCertificate,
} from '../src/gaen/index.ts'
import { ascii, fromHex, Malformed, toBase64url, toHex, type UnixSeconds } from '../src/index.ts'

const AT = 1_605_000_000 as UnixSeconds
const PRIVATE_KEY = new Uint8Array(32).fill(7)
const OTHER_KEY = new Uint8Array(32).fill(8)
const KEYS = [
  { kid: 'v1', point: publicPoint(OTHER_KEY) },
  { kid: 'v2', point: publicPoint(PRIVATE_KEY) },
]
const EXPECTED = { issuer: 'authority', audience: 'key-server' }
const CLAIMS: CertificateClaims = {
  ...EXPECTED,
  testType: 'confirmed',
  symptomOnset: 2_674_944 as IntervalNumber,
  tekmac: new Uint8Array(32).fill(9),
  issued: (AT - 5) as UnixSeconds,
  expires: (AT + 900) as UnixSeconds,
}
const CERTIFICATE = buildCertificate(CLAIMS, PRIVATE_KEY, 'v2')
/** The claims as they stand in the JWT. */
const RAW = parseJwt(CERTIFICATE)!.claims

const encoded = (part: unknown): string => toBase64url(ascii(JSON.stringify(part)))
/** A JWT with any header and claims, rightly signed. */
function forged(header: unknown, claims: unknown = RAW, key = PRIVATE_KEY): string {
  const signed = `${encoded(header)}.${encoded(claims)}`
  return `${signed}.${toBase64url(ecdsaSign(key, ascii(signed)))}`
}
const HEADER = { alg: 'ES256', kid: 'v2', typ: 'JWT' }
const reasonOf = (jwt: string, at = AT): CertificateRefusal | undefined => {
  const outcome = verifyCertificate(jwt, KEYS, EXPECTED, at)
  return outcome.ok ? undefined : outcome.reason
}

test('a certificate says what was certified, to the second at both ends', () => {
  assert.deepEqual(verifyCertificate(CERTIFICATE, KEYS, EXPECTED, AT), { ok: true, value: CLAIMS })
  assert.deepEqual(parseCertificate(CERTIFICATE), CLAIMS)
  assert.equal(reasonOf(CERTIFICATE, (AT - 6) as UnixSeconds), 'notYetValid')
  assert.equal(reasonOf(CERTIFICATE, (AT - 5) as UnixSeconds), undefined)
  assert.equal(reasonOf(CERTIFICATE, (AT + 900) as UnixSeconds), undefined)
  assert.equal(reasonOf(CERTIFICATE, (AT + 901) as UnixSeconds), 'expired')
})

test('the JWT has the header and the claims of the deployed verification server', () => {
  const { header, claims } = parseJwt(CERTIFICATE)!
  assert.deepEqual(header, HEADER)
  assert.deepEqual(claims, {
    iss: 'authority',
    aud: 'key-server',
    iat: AT - 5,
    nbf: AT - 5,
    exp: AT + 900,
    reportType: 'confirmed',
    symptomOnsetInterval: 2_674_944,
    tekmac: 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=',
  })
  const silent = buildCertificate({ ...CLAIMS, symptomOnset: undefined }, PRIVATE_KEY, 'v2')
  assert.ok(!('symptomOnsetInterval' in parseJwt(silent)!.claims))
  assert.equal(parseCertificate(silent)!.symptomOnset, undefined)
})

test('each check refuses by its own name, and an earlier one before a later one', () => {
  const hmac = `${encoded({ ...HEADER, alg: 'HS256' })}.${encoded(RAW)}`
  const none = `${encoded({ ...HEADER, alg: 'none' })}.${encoded(RAW)}`
  const other = CERTIFICATE.slice(0, CERTIFICATE.lastIndexOf('.'))
  const table: readonly (readonly [CertificateRefusal, string])[] = [
    ['form', ''],
    ['algorithm', `${none}.`],
    // The key confusion: a MAC keyed with what everybody knows, the public point.
    ['algorithm', `${hmac}.${toBase64url(hmacSha256(KEYS[1]!.point, ascii(hmac)))}`],
    ['algorithm', forged({ ...HEADER, alg: 'es256' })],
    ['algorithm', forged({ ...HEADER, alg: 'ES384' })],
    ['algorithm', forged({ kid: 'v2' })],
    ['algorithm', forged({ ...HEADER, crit: ['exp'] })],
    ['keyMissing', forged({ alg: 'ES256' }, {})],
    ['keyMissing', forged({ alg: 'ES256', kid: 2 })],
    ['issuer', forged({ ...HEADER, kid: 'v9' }, { ...RAW, iss: 'another', aud: 'another' })],
    ['issuer', forged(HEADER, { ...RAW, iss: undefined })],
    ['audience', forged({ ...HEADER, kid: 'v9' }, { ...RAW, aud: 'another' })],
    ['audience', forged(HEADER, { ...RAW, aud: ['key-server'] })],
    ['keyUnknown', forged({ ...HEADER, kid: 'v9' })],
    ['keyUnknown', forged({ ...HEADER, kid: '' })],
    ['signature', forged({ ...HEADER, kid: 'v1' })],
    ['signature', forged(HEADER, { ...RAW, tekmac: 7 }, OTHER_KEY)],
    ['signature', `${other}.`],
    ['signature', `${other}.${toBase64url(new Uint8Array(64))}`],
    ['claims', forged(HEADER, { ...RAW, exp: 'soon' })],
    ['notYetValid', forged(HEADER, { ...RAW, nbf: AT + 1, exp: AT - 1 })],
    ['notYetValid', forged(HEADER, { ...RAW, iat: AT + 1 })],
    ['expired', forged(HEADER, { ...RAW, exp: AT - 1 })],
  ]
  for (const [reason, jwt] of table) assert.equal(reasonOf(jwt), reason, jwt)
  assert.deepEqual([...new Set(table.map(([reason]) => reason))], [...CERTIFICATE_REFUSALS])
})

test('claims of the wrong kind refuse a certificate that is rightly signed', () => {
  const wrong: readonly Readonly<Record<string, unknown>>[] = [
    { reportType: 'positive' },
    { reportType: undefined },
    { symptomOnsetInterval: -1 },
    { symptomOnsetInterval: 1.5 },
    { symptomOnsetInterval: 2 ** 32 },
    { symptomOnsetInterval: '2674944' },
    { tekmac: undefined },
    { tekmac: '' },
    { tekmac: toBase64(new Uint8Array(31)) },
    { tekmac: toBase64(new Uint8Array(33)) },
    { tekmac: '?'.repeat(44) },
    { exp: undefined },
    { exp: null },
    { iat: 'now' },
    { nbf: {} },
  ]
  for (const change of wrong) {
    const jwt = forged(HEADER, { ...RAW, ...change })
    assert.equal(reasonOf(jwt), 'claims', JSON.stringify(change))
    assert.equal(parseCertificate(jwt), undefined)
  }
  for (const change of [{ iss: 1 }, { aud: 1 }]) {
    assert.equal(parseCertificate(forged(HEADER, { ...RAW, ...change })), undefined)
  }
})

test('what servers write differently is taken: no start, onset zero, the other alphabet of base64', () => {
  const tekmac = new Uint8Array(32).fill(0xff)
  const certificate = forged(HEADER, {
    ...RAW,
    iat: undefined,
    nbf: undefined,
    symptomOnsetInterval: 0,
    tekmac: toBase64url(tekmac),
  })
  const outcome = verifyCertificate(certificate, KEYS, EXPECTED, AT)
  assert.deepEqual(outcome, { ok: true, value: { ...CLAIMS, symptomOnset: undefined, tekmac, issued: 0 } })
})

test('what is no JWT is none: parts, alphabet, JSON, UTF-8, size', () => {
  const [header, claims, signature] = CERTIFICATE.split('.') as [string, string, string]
  const wrong = [
    '',
    '.',
    '..',
    `${header}.${claims}`,
    `${CERTIFICATE}.`,
    `${CERTIFICATE}=`,
    `${header}=.${claims}.${signature}`,
    ` ${CERTIFICATE}`,
    `${header}.${claims}.+${signature}`,
    `${encoded([])}.${claims}.${signature}`,
    `${header}.${encoded(null)}.${signature}`,
    `${header}.${encoded('claims')}.${signature}`,
    `${header}.${toBase64url(ascii('{'))}.${signature}`,
    `${header}.${toBase64url(Uint8Array.of(0x7b, 0xff, 0x7d))}.${signature}`,
    `${'A'.repeat(LONGEST_JWT)}.${claims}.${signature}`,
  ]
  for (const jwt of wrong) {
    assert.equal(parseJwt(jwt), undefined, jwt.slice(0, 60))
    assert.equal(parseCertificate(jwt), undefined)
    assert.equal(reasonOf(jwt), 'form')
  }
})

test('equal claims give equal certificates: the signature is deterministic', () => {
  assert.equal(buildCertificate(CLAIMS, PRIVATE_KEY, 'v2'), CERTIFICATE)
  assert.equal(signJwt(PRIVATE_KEY, 'v2', {}), signJwt(PRIVATE_KEY, 'v2', {}))
})

test('property: a certificate comes back as it was, and no turned character passes', () => {
  const claims = fc.record({
    issuer: fc.constant(EXPECTED.issuer),
    audience: fc.constant(EXPECTED.audience),
    testType: fc.constantFrom(...TEST_TYPES),
    symptomOnset: fc.option(fc.integer({ min: 1, max: 0xffffffff }), { nil: undefined }),
    tekmac: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes)),
    issued: fc.integer({ min: 0, max: AT }),
    expires: fc.integer({ min: AT, max: 2 * AT }),
  })
  fc.assert(
    fc.property(claims, fc.nat(), (drawn, place) => {
      const jwt = buildCertificate(drawn as unknown as CertificateClaims, PRIVATE_KEY, 'v2')
      assert.deepEqual(verifyCertificate(jwt, KEYS, EXPECTED, AT), { ok: true, value: { ...drawn } })
      const turned = place % jwt.length
      const other = jwt[turned] === 'A' ? 'B' : 'A'
      assert.notEqual(reasonOf(jwt.slice(0, turned) + other + jwt.slice(turned + 1)), undefined)
    }),
    { numRuns: 40 },
  )
})

test('property: base64 comes back, padded or not, in either alphabet; other text is malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (drawn) => {
      const text = toBase64(drawn)
      assert.equal(text, Buffer.from(drawn).toString('base64'))
      for (const form of [text, text.replaceAll('=', ''), toBase64url(drawn)]) {
        assert.equal(toHex(fromBase64(form)), toHex(drawn))
      }
    }),
  )
  for (const wrong of ['A', 'A===', 'AA=A', 'AB==', 'A A=', '===', '****', 'ä===']) {
    assert.throws(() => fromBase64(wrong, 'key'), Malformed, wrong)
  }
})

interface TekmacVector {
  readonly secret: string
  readonly cleartext: string
  readonly hmac: string
}
const vectors = JSON.parse(readFileSync(new URL('../../../vectors/gaen.json', import.meta.url), 'utf8'))
const TEKMAC: readonly TekmacVector[] = vectors.tekmac
const keysOf = (cleartext: string): CertifiedKey[] =>
  cleartext.split(',').map((text) => {
    const [key, start, period, risk] = text.split('.')
    return {
      key: key!,
      rollingStartNumber: Number(start),
      rollingPeriod: Number(period),
      transmissionRisk: risk === undefined ? undefined : Number(risk),
    }
  })

test('tekmac: the published vectors, in whatever order the keys come', () => {
  assert.equal(TEKMAC.length, 3)
  for (const { secret, cleartext, hmac } of TEKMAC) {
    const keys = keysOf(cleartext)
    for (const order of [keys, keys.toReversed()]) {
      assert.equal(toHex(tekMac(order, fromHex(secret))), hmac)
      assert.ok(tekMacFits(fromHex(hmac), order, fromHex(secret)))
    }
  }
})

test('tekmac: all-zero risks fit with and without them; other risks only as they are', () => {
  const [risky, zero, silent] = TEKMAC.map((vector) => ({ keys: keysOf(vector.cleartext), mac: fromHex(vector.hmac) }))
  const secret = fromHex(TEKMAC[0]!.secret)
  const fits = (mac: Uint8Array, keys: readonly CertifiedKey[]) => tekMacFits(mac, keys, secret)
  assert.ok(fits(zero!.mac, silent!.keys) && fits(silent!.mac, zero!.keys))
  assert.ok(!fits(silent!.mac, risky!.keys) && !fits(zero!.mac, risky!.keys) && !fits(risky!.mac, zero!.keys))
  assert.ok(!fits(silent!.mac.subarray(1), silent!.keys))
  assert.ok(!tekMacFits(silent!.mac, silent!.keys, secret.subarray(1)))
})

test('tekmac: the order is that of the text, and another spelling of the same bytes is another key', () => {
  const key = (text: string) => ({ key: text, rollingStartNumber: 1, rollingPeriod: 144, transmissionRisk: 1 })
  const secret = new Uint8Array(16)
  const expected = hmacSha256(secret, ascii('+a==.1.144.1,Zg==.1.144.1,a-==.1.144.1'))
  assert.deepEqual(tekMac([key('a-=='), key('+a=='), key('Zg==')], secret), expected)
  assert.notDeepEqual(tekMac([key('Zg==')], secret), tekMac([key('Zg')], secret))
})
