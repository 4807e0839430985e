// The cases of single messages, answered by packages/protocol: each runner computes `expected` from `input`.
import assert from 'node:assert/strict'
import {
  concat,
  dayOf,
  dayOfEpoch,
  distance16,
  epochAt,
  epochStart,
  finishToken,
  fromHex,
  issuerDayKey,
  LAST_EPOCH,
  Malformed,
  type NtpSeconds,
  ntpOf,
  requestToken,
  respondToken,
  spentKeyOf,
  time16,
  time32,
  toHex,
  type UnixSeconds,
  type UtcDay,
  unfold16,
  unfold32,
  unixOf,
  verifyToken,
} from '@vicinity/protocol'
import { publicPoint, sharedSecret } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  buildHello,
  buildRequest,
  checkChallenge,
  DEFAULT_PARAMETERS,
  exposureWeight,
  federationCipher,
  helloMacIsValid,
  idOfBlock,
  isPublicPoint,
  makeChallenge,
  makeEbids,
  makeResetToken,
  openEbids,
  openFrom,
  openReply,
  packExposure,
  packItem,
  packList,
  packSignal,
  parseHello,
  parseItem,
  requestMacInput,
  SPEC,
  sealReply,
  serverKeyOf,
  solveChallenge,
  strengthClass,
  strengthOf,
  TAC,
  unpackExposures,
  unpackList,
  unpackSignal,
  withinTolerance,
} from '@vicinity/protocol/robert'
import type { Fields } from './fields.ts'

export type Runner = (input: Fields) => unknown

const PROFILES = { spec: SPEC, tac: TAC } as const
export const profileOf = (input: Fields) => PROFILES[input.text('profile') as keyof typeof PROFILES]
const wire = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0')
export const ntp = (input: Fields, name: string): NtpSeconds => input.number(name) as NtpSeconds
export const unix = (input: Fields, name: string): UnixSeconds => unixOf(ntp(input, name))

const time: Runner = (input) => {
  const at = (Date.parse(input.text('utc')) / 1000) as UnixSeconds
  const seconds = ntpOf(at)
  return { ntp: seconds, time32: wire(time32(seconds), 4), time16: wire(time16(seconds), 2), utcDay: dayOf(at) }
}

const unfold: Runner = (input) => {
  const unfolded = input.number('bits') === 16 ? unfold16 : unfold32
  return { ntp: unfolded(input.uint('low'), ntp(input, 'near')) }
}

const tolerance: Runner = (input) => {
  const distance = distance16(input.number('a'), input.number('b'))
  const [strict, inclusive] = [SPEC, TAC].map((profile) =>
    withinTolerance(profile, distance, input.number('tolerance')),
  )
  return { distance, strict, inclusive }
}

export const calendarOf = (input: Fields) => ({
  serviceStart: unix(input, 'serviceStart'),
  epochDuration: input.number('epochDuration'),
})

const epoch: Runner = (input) => {
  const calendar = calendarOf(input)
  const found = epochAt(calendar, unix(input, 'at'))
  return {
    epoch: found,
    wire: found < 0 || found > LAST_EPOCH ? null : wire(found, 3),
    start: ntpOf(epochStart(calendar, found)),
    serverKeyDay: dayOfEpoch(calendar, found),
  }
}

const keys: Runner = (input) => {
  const profile = profileOf(input)
  const point = input.bytes('phonePublicKey')
  const agreed = agreeKeys(profile, input.bytes('serverPrivateKey'), point)
  assert.equal(isPublicPoint(point), agreed !== undefined)
  if (agreed === undefined) return { refused: true }
  const [own, peer] = [input.bytes('phonePrivateKey'), input.bytes('serverPublicKey')]
  assert.deepEqual(agreeKeys(profile, own, peer), agreed)
  assert.equal(toHex(publicPoint(own)), toHex(point))
  return {
    sharedSecret: toHex(sharedSecret(own, peer) ?? new Uint8Array()),
    authenticationKey: toHex(agreed.authenticationKey),
    encryptionKey: toHex(agreed.encryptionKey),
  }
}

const ebid: Runner = (input) => {
  const key = serverKeyOf(input.bytes('serverKey'))
  const made = makeEbids(key, input.uint('id'), input.number('epoch') as never, 1)
  const opened = Uint8Array.from(made)
  openEbids(key, opened)
  assert.equal(idOfBlock(opened, 0), input.uint('id'))
  return { ebid: toHex(made) }
}

const ecc: Runner = (input) => {
  const stream = federationCipher(input.bytes('federationKey'))(input.bytes('ebid'))[0]!
  return { ecc: wire(stream ^ input.uint('countryCode'), 1) }
}

const hello: Runner = (input) => {
  const key = input.bytes('authenticationKey')
  const made = buildHello(key, concat(input.bytes('ebid'), input.bytes('ecc')), ntp(input, 'at'))
  assert.ok(helloMacIsValid(key, made))
  const parsed = parseHello(made)
  assert.deepEqual([parsed.ecc, toHex(parsed.ebid)], [input.uint('ecc'), input.text('ebid')])
  assert.equal(parsed.time16, time16(ntp(input, 'at')))
  return { hello: toHex(made) }
}

const item: Runner = (input) => {
  const made = packItem(input.bytes('hello'), ntp(input, 'heardAt'), input.uint('signal'))
  const parsed = parseItem(made)
  assert.equal(toHex(parsed.hello), input.text('hello'))
  assert.equal(unfold32(parsed.time32, ntp(input, 'heardAt')), input.number('heardAt'))
  return { item: toHex(made) }
}

const signal: Runner = (input) => {
  const strength = strengthClass(input.numberOrNull('strength'))
  return { signal: wire(packSignal({ strengthClass: strength, minutes: input.number('minutes') }), 1) }
}

const weight: Runner = (input) => {
  const read = unpackSignal(input.uint('signal'))
  const strength = read.strengthClass === 0 ? null : strengthOf(read.strengthClass)
  return { strength, minutes: read.minutes, weight: exposureWeight(read, DEFAULT_PARAMETERS) }
}

const exposure: Runner = (input) => {
  const fields = { epoch: input.number('epoch'), slot: input.number('slot'), weight: input.number('weight') }
  const entry = packExposure(fields as never)
  assert.deepEqual(unpackExposures(entry), [fields])
  return { entry: toHex(entry) }
}

const request: Runner = (input) => {
  const payload = concat(input.bytes('payload'), new Uint8Array(47)).subarray(0, 47)
  const fields = {
    code: input.number('c'),
    ebid: input.bytes('ebid'),
    epoch: input.number('epoch') as never,
    time: ntp(input, 'time'),
    payload,
  }
  const made = buildRequest(profileOf(input), input.bytes('authenticationKey'), fields)
  return { macInput: toHex(requestMacInput(profileOf(input), fields)), request: toHex(made) }
}

const resetToken: Runner = (input) => ({
  token: toHex(makeResetToken(input.bytes('key'), unix(input, 'testedAt'), () => input.bytes('nonce'))),
})

const list: Runner = (input) => {
  if (input.has('list')) {
    assert.throws(() => unpackList(input.bytes('list')), Malformed)
    return { refused: true }
  }
  const made = { first: input.number('firstEpoch') as never, pairs: input.bytes('pairs') }
  const packed = packList(made, input.number('capacity'))
  assert.deepEqual(unpackList(packed), made)
  return { list: toHex(packed) }
}

const reply: Runner = (input) => {
  const key = input.bytes('encryptionKey')
  if (input.has('sealed')) return { opens: openReply(key, input.bytes('sealed')) !== undefined }
  const fields = {
    kind: input.number('kind'),
    atRisk: input.number('flags') === 1,
    serverTime: ntp(input, 'serverTime'),
    replyId: input.bytes('replyId'),
    nextPoll: input.number('nextPoll'),
    exposureDay: input.number('newestDay') as UtcDay,
    list: { first: input.number('firstEpoch') as never, pairs: input.bytes('pairs') },
  }
  const sealed = sealReply(key, fields, () => input.bytes('iv'))
  const opened = openReply(key, sealed)!
  assert.deepEqual(
    { ...opened, replyId: toHex(opened.replyId), list: { ...opened.list, pairs: toHex(opened.list.pairs) } },
    { ...fields, replyId: input.text('replyId'), list: { ...fields.list, pairs: input.text('pairs') } },
  )
  return { plaintext: toHex(openFrom(key, sealed)!), sealed: toHex(sealed) }
}

const token: Runner = (input) => {
  const day = input.number('day') as UtcDay
  const dayKey = issuerDayKey(input.bytes('issuerKey'), day)
  const { request: asked, pending } = requestToken(input.bytes('item'), input.bytes('random'))
  const response = respondToken(dayKey, asked)
  const made = finishToken(pending, response)
  assert.ok(verifyToken(dayKey, input.bytes('item'), input.bytes('random'), made))
  const parts = { dayKey, request: asked, response, token: made, spentKey: spentKeyOf(made, day) }
  return Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, toHex(bytes)]))
}

const challenge: Runner = (input) => {
  const [key, publicKey] = [input.bytes('key'), input.bytes('publicKey')]
  if (input.has('solution')) {
    const [asked, solution] = [input.bytes('challenge'), input.bytes('solution')]
    const outcome = checkChallenge(key, publicKey, asked, solution, input.number('now') as UnixSeconds)
    return outcome.ok ? { accepted: true, spentKey: toHex(outcome.value.spentKey) } : { refused: outcome.reason }
  }
  const expires = input.number('expires') as UnixSeconds
  const made = makeChallenge(key, publicKey, input.number('difficulty'), expires, () => fromHex(input.text('nonce')))
  return { challenge: toHex(made), firstSolution: toHex(solveChallenge(made)) }
}

export const messageRunners: Readonly<Record<string, Runner>> = {
  time,
  unfold,
  tolerance,
  epoch,
  keys,
  ebid,
  ecc,
  hello,
  item,
  signal,
  weight,
  exposure,
  request,
  resetToken,
  list,
  reply,
  token,
  challenge,
}
