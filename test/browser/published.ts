// The vectors of vectors/robert.json as cases of the conformance kit, so that what answers the kit answers them too.
import type { Json } from '../kit/first/fields.ts'
import type { Case } from './kit-page.ts'

export type Expected = Readonly<Record<string, Json>>

interface PublishedCase extends Case {
  readonly name: string
  /** The fields of the answer that were published. */
  readonly expected: Expected
}

type Texts<Name extends string> = { readonly [name in Name]: string }
type Numbers<Name extends string> = { readonly [name in Name]: number }
type Derived = Texts<'kAuth' | 'kEnc'>

interface Published {
  readonly ebid: readonly (Texts<'name' | 'ebid'> &
    Partial<Texts<'ks' | 'kg' | 'id' | 'countryCode' | 'ecc'> & Numbers<'epoch'>>)[]
  readonly keyAgreement: readonly (Texts<'name' | 'clientPrivate' | 'sharedSecret'> &
    Partial<Texts<'serverPrivate' | 'clientPublicPoint' | 'serverPublicPoint'>> &
    Partial<Readonly<Record<'seed' | 'tac', Derived>>>)[]
  readonly hello: readonly (Texts<'name' | 'kAuth' | 'ecc' | 'ebid' | 'hello'> & Numbers<'ntpSeconds'>)[]
  readonly authRequest: readonly (Texts<'name' | 'layout' | 'prefix' | 'kAuth' | 'ebid' | 'macInput' | 'mac'> &
    Numbers<'epoch' | 'ntpSeconds'>)[]
  readonly time: readonly (Numbers<'ntpSeconds'> & Partial<Texts<'utc' | 'time32'> & Numbers<'time16'>>)[]
  readonly tolerance16: readonly (Numbers<'a' | 'b' | 'delta'> &
    Readonly<Record<'circularInclusive' | 'circularStrict', boolean>>)[]
}

const hex = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0')

/** Every vector that a case can hold. Fields that some vectors lack make several cases of one, or none. */
export function publishedCases(published: Published): readonly PublishedCase[] {
  return [
    ...published.ebid.flatMap(identifierCases),
    ...published.keyAgreement.flatMap(agreementCases),
    ...published.hello.map(({ name, kAuth, ecc, ebid, ntpSeconds, hello }) => {
      const input = { authenticationKey: kAuth, ecc, ebid, at: ntpSeconds }
      return { section: 'hello', name, input, expected: { hello } }
    }),
    ...published.authRequest.map(requestCase),
    ...published.time.flatMap(({ utc, ntpSeconds: ntp, time32, time16 }) => {
      if (utc === undefined) return []
      const low32 = time32 === undefined ? {} : { time32 }
      const low16 = time16 === undefined ? {} : { time16: hex(time16, 2) }
      return [{ section: 'time', name: utc, input: { utc }, expected: { ntp, ...low32, ...low16 } }]
    }),
    ...published.tolerance16.map(({ a, b, delta: tolerance, circularInclusive: inclusive, circularStrict: strict }) => {
      const name = `${a} and ${b}, ${tolerance}`
      return { section: 'tolerance', name, input: { a, b, tolerance }, expected: { strict, inclusive } }
    }),
  ]
}

function identifierCases(vector: Published['ebid'][number]): PublishedCase[] {
  const { name, ebid, ks, kg, id, epoch, countryCode, ecc } = vector
  const cases: PublishedCase[] = []
  if (ks !== undefined && id !== undefined && epoch !== undefined) {
    cases.push({ section: 'ebid', name, input: { serverKey: ks, id, epoch }, expected: { ebid } })
  }
  if (kg !== undefined && countryCode !== undefined && ecc !== undefined) {
    cases.push({ section: 'ecc', name, input: { federationKey: kg, ebid, countryCode }, expected: { ecc } })
  }
  return cases
}

function agreementCases(vector: Published['keyAgreement'][number]): PublishedCase[] {
  const { name, clientPrivate, serverPrivate, clientPublicPoint, serverPublicPoint, sharedSecret } = vector
  if (serverPrivate === undefined || clientPublicPoint === undefined || serverPublicPoint === undefined) return []
  const sides = {
    phonePrivateKey: clientPrivate,
    phonePublicKey: clientPublicPoint,
    serverPrivateKey: serverPrivate,
    serverPublicKey: serverPublicPoint,
  }
  return (['seed', 'tac'] as const).flatMap((labels) => {
    const derived = vector[labels]
    if (derived === undefined) return []
    const expected = { sharedSecret, authenticationKey: derived.kAuth, encryptionKey: derived.kEnc }
    return [{ section: 'keys', name, input: { profile: labels === 'tac' ? 'tac' : 'spec', ...sides }, expected }]
  })
}

function requestCase(vector: Published['authRequest'][number]): PublishedCase {
  const { name, layout, prefix, kAuth, ebid, epoch, ntpSeconds, macInput, mac } = vector
  const input = {
    profile: layout.startsWith('tac') ? 'tac' : 'spec',
    authenticationKey: kAuth,
    c: Number.parseInt(prefix, 16),
    ebid,
    epoch,
    time: ntpSeconds,
    payload: '',
  }
  const time = macInput.slice(-8)
  const request = [prefix, ebid, hex(epoch, 4), time, '00'.repeat(47), mac].join('')
  return { section: 'request', name: `${name}, ${layout}`, input, expected: { macInput, request } }
}
