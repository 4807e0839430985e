// ROBERT §7 and appendix C: the bytes of every request, and every step that refuses one.
import { flipBit, type Hex, hex, hmac } from '../second/hex.ts'
import {
  ebidOf,
  PAYLOAD,
  type Profile,
  type RequestFields,
  requestMacInput,
  requestOf,
  resetToken,
} from '../second/messages.ts'
import { type Asker, judgeRequest, type RequestInput } from '../second/request.ts'
import { dayOfEpoch, epochAt } from '../second/time.ts'
import {
  AUTHENTICATION_KEY,
  at,
  type Case,
  draw,
  ID,
  keysOf,
  SERVICE,
  type Sections,
  START,
  serverKeyOf,
  startOf,
} from './case.ts'

const NOW = at('2026-03-05T12:00:00Z')
const EPOCH = 432
const DAY = dayOfEpoch(SERVICE, BigInt(EPOCH))
const RESET_KEY = draw('reset key', 32)
const TOKEN = resetToken(RESET_KEY, draw('reset nonce', 16), NOW - 86_400n)

/** A payload for each c, without the zeros at its end. */
const PAYLOADS: Readonly<Record<number, Hex>> = {
  2: '',
  3: '',
  4: '',
  5: hex(816, 4),
  6: draw('reply id', 8),
  7: TOKEN,
}
const NAMES: Readonly<Record<number, string>> = {
  2: 'status',
  3: 'unregister',
  4: 'delete history',
  5: 'renew',
  6: 'acknowledge',
  7: 'reset',
}
const CODES = [2, 3, 4, 5, 6, 7] as const
const PROFILES = ['spec', 'tac'] as const

const ebidFor = (epoch: number): Hex => ebidOf(serverKeyOf(dayOfEpoch(SERVICE, BigInt(epoch))), epoch, ID)

function built(name: string, profile: Profile, fields: RequestFields): Case {
  const { payload = '', ...rest } = fields
  const request = requestOf(profile, AUTHENTICATION_KEY, fields)
  return {
    name: `${profile}, ${name}`,
    input: { profile, authenticationKey: AUTHENTICATION_KEY, ...rest, payload },
    expected: { macInput: requestMacInput(profile, fields), request },
  }
}

function builtCases(): Case[] {
  const last = at('2036-02-07T06:28:15Z')
  return PROFILES.flatMap((profile) => [
    ...CODES.map((c) =>
      built(NAMES[c]!, profile, { c, ebid: ebidFor(EPOCH), epoch: EPOCH, time: NOW, payload: PAYLOADS[c]! }),
    ),
    ...[0, 255, 65_536, 2 ** 24 - 1].map((epoch) =>
      built(`status, epoch ${epoch}`, profile, { c: 2, ebid: ebidFor(epoch), epoch, time: startOf(epoch) }),
    ),
    ...[last, last + 1n].map((time) =>
      built(`status, ${time} NTP seconds`, profile, { c: 2, ebid: ebidFor(EPOCH), epoch: EPOCH, time }),
    ),
    built('renew, a payload of 47 bytes under the MAC', profile, {
      c: 5,
      ebid: ebidFor(EPOCH),
      epoch: EPOCH,
      time: NOW,
      payload: draw('payload', PAYLOAD),
    }),
  ])
}

const USER: Asker = {
  id: ID,
  authenticationKey: AUTHENTICATION_KEY,
  notified: 'none',
  lastStatusRequestEpoch: null,
  lastRequestTag: null,
  warnedThrough: null,
}

interface Asked {
  readonly c?: number
  readonly epoch?: number
  readonly time?: bigint
  readonly payload?: Hex
  readonly ebid?: Hex
  readonly authenticationKey?: Hex
  readonly user?: Partial<Asker>
  readonly changed?: (request: Hex) => Hex
}

function judged(name: string, asked: Asked = {}, changed: Partial<RequestInput> = {}): Case {
  const profile = changed.profile ?? 'spec'
  const now = changed.now ?? NOW
  const epoch = asked.epoch ?? Number(epochAt(SERVICE, now))
  const input: RequestInput = {
    profile,
    service: SERVICE,
    now,
    tolerance: 60n,
    statusGap: 24n,
    notifiedDays: 10n,
    contagiousDays: 14n,
    resetKey: RESET_KEY,
    serverKeys: keysOf(...[-1n, 0n, 1n].map((off) => dayOfEpoch(SERVICE, BigInt(epoch)) + off)),
    users: [{ ...USER, ...asked.user }],
    ...changed,
  }
  const c = asked.c ?? 2
  const fields = { c, ebid: asked.ebid ?? ebidFor(epoch), epoch, time: asked.time ?? now, payload: asked.payload ?? '' }
  const made = requestOf(profile, asked.authenticationKey ?? AUTHENTICATION_KEY, fields)
  const request = asked.changed?.(made) ?? made
  const { service, ...rest } = input
  const users = rest.users.map((user) => ({ ...user }))
  return { name, input: { request, ...service, ...rest, users }, expected: judgeRequest(request, input) }
}

function servedCases(): Case[] {
  return PROFILES.flatMap((profile) => [
    ...CODES.map((c) => judged(`${profile}: ${NAMES[c]} is served`, { c, payload: PAYLOADS[c]! }, { profile })),
    judged(
      `${profile}: the MAC of the other layout`,
      { changed: (request) => request.slice(0, 128) + macOfOther(profile) },
      { profile },
    ),
    ...[-61n, -60n, -59n, 59n, 60n, 61n].map((off) =>
      judged(`${profile}: the clock of the phone ${off} s off`, { time: NOW + off }, { profile }),
    ),
  ])
}

const macOfOther = (profile: Profile): Hex => {
  const other = profile === 'spec' ? 'tac' : 'spec'
  const fields = { c: 2, ebid: ebidFor(EPOCH), epoch: EPOCH, time: NOW }
  return hmac(AUTHENTICATION_KEY, requestMacInput(other, fields))
}

function malformedCases(): Case[] {
  return [
    judged('step 1: 95 bytes', { changed: (request) => request.slice(0, -2) }),
    judged('step 1: 97 bytes', { changed: (request) => `${request}00` }),
    judged('step 1: no bytes', { changed: () => '' }),
    ...[0, 1, 8, 255].map((c) => judged(`step 1: c = ${c}`, { c })),
    ...CODES.flatMap((c) => {
      const used = PAYLOADS[c]!
      const first = `${used}01`
      return [
        judged(`step 1: ${NAMES[c]}, the first unused byte of the payload is not zero`, { c, payload: first }),
        judged(`step 1: ${NAMES[c]}, the last byte of the payload is not zero`, {
          c,
          payload: `${used.padEnd(2 * PAYLOAD - 2, '0')}80`,
        }),
      ]
    }),
    judged('step 1: an epoch of more than 24 bits', {
      changed: (request) => `${request.slice(0, 18)}01${request.slice(20)}`,
    }),
    judged('step 1 comes before step 2', { c: 8, time: NOW + 600n }),
  ]
}

function locatedCases(): Case[] {
  const nobody = ebidOf(serverKeyOf(DAY), EPOCH, draw('nobody', 5))
  const lastOfDay = 383
  return [
    judged('step 2 comes before step 3', { time: NOW + 600n }, { serverKeys: {} }),
    judged('step 2: the time of the next era', { changed: (request) => flipBit(request, 8 * 13) }),
    judged('step 3: no server key', {}, { serverKeys: {} }),
    judged('step 3: keys of other days only', {}, { serverKeys: keysOf(DAY - 3n, DAY + 3n) }),
    judged('step 4: the identifier of the epoch before', { ebid: ebidFor(EPOCH - 1) }),
    judged('step 4: an identifier made under a key that is gone', { ebid: ebidOf(serverKeyOf(DAY + 9n), EPOCH, ID) }),
    judged('step 4: an epoch that was changed', { changed: (request) => flipBit(request, 8 * 13 - 1) }),
    judged('the last identifier that a phone has, ten days old', { epoch: EPOCH }, { now: NOW + 864_000n }),
    judged('the last epoch of a day', { epoch: lastOfDay }, { now: startOf(lastOfDay + 1) }),
    judged('the first epoch of a day', { epoch: lastOfDay + 1 }, { now: startOf(lastOfDay + 1) }),
    judged('an identifier made under the key of the day after, in the afternoon', {
      epoch: EPOCH,
      ebid: ebidOf(serverKeyOf(DAY + 1n), EPOCH, ID),
    }),
    judged('an identifier made under the key of the day before, in the morning', {
      epoch: EPOCH - 1,
      ebid: ebidOf(serverKeyOf(DAY - 1n), EPOCH - 1, ID),
    }),
    judged('step 4: an identifier made under the key of the day before, in the afternoon', {
      ebid: ebidOf(serverKeyOf(DAY - 1n), EPOCH, ID),
    }),
    judged('step 5: nobody has this identifier', { ebid: nobody }),
    judged('step 5: there is no user', {}, { users: [] }),
    judged('epoch 0', { epoch: 0 }, { now: START }),
    judged('the last epoch of 24 bits', { epoch: 2 ** 24 - 1 }, { now: startOf(2 ** 24 - 1) }),
    judged('step 1: the epoch after the last of 24 bits', {
      changed: (request) => `${request.slice(0, 18)}01000000${request.slice(26)}`,
    }),
    ...[-5n, 5n].map((off) => {
      const now = at('2036-02-07T06:28:16Z') + off
      return judged(`2036: ${off} s from era 1, the clock of the phone 10 s off`, { time: now - 2n * off }, { now })
    }),
  ]
}

function macCases(): Case[] {
  const flipped = [512, 513, 575, 640, 767].map((bit) =>
    judged(`step 6: bit ${bit - 512} of the MAC`, { changed: (request) => flipBit(request, bit) }),
  )
  const payload = CODES.filter((c) => c >= 5).map((c) =>
    judged(`step 6: ${NAMES[c]}, a bit of its payload`, {
      c,
      payload: PAYLOADS[c]!,
      changed: (request) => flipBit(request, 8 * 17 + 31),
    }),
  )
  const kinds = [2, 3].map((c) =>
    judged(`step 6: c = ${c} became ${c + 1}`, { c, changed: (request) => `0${c + 1}${request.slice(2)}` }),
  )
  return [
    ...flipped,
    ...payload,
    ...kinds,
    judged('step 6: the last bit of the time', { changed: (request) => flipBit(request, 8 * 17 - 1) }),
    judged('step 6: the key of another user', { authenticationKey: draw('another authentication key', 32) }),
  ]
}

/** What the back-end keeps of a status request at a time. */
const tagOf = (time: bigint): Hex =>
  hmac(AUTHENTICATION_KEY, requestMacInput('spec', { c: 2, ebid: ebidFor(EPOCH), epoch: EPOCH, time })).slice(0, 16)

function statusCases(): Case[] {
  const warned = (name: string, notified: Asker['notified'], c: number, age: number): Case =>
    judged(
      name,
      { c, payload: PAYLOADS[c]!, epoch: 1500, user: { notified, warnedThrough: 1500 - age } },
      { now: startOf(1500), resetKey: RESET_KEY },
    )
  const gap = (epochs: number) => ({ lastStatusRequestEpoch: EPOCH - epochs })
  return [
    warned('step 7: status of a user who was warned and acknowledged it', 'acknowledged', 2, 10),
    warned('step 7: status one epoch before the warning ends', 'acknowledged', 2, 959),
    warned('status when the warning has ended', 'acknowledged', 2, 960),
    warned('status while the warning is not acknowledged', 'pending', 2, 10),
    warned('renew of a user who was warned', 'acknowledged', 5, 10),
    warned('acknowledge of a user who was warned', 'pending', 6, 10),
    warned('unregister of a user who was warned', 'acknowledged', 3, 10),
    warned('delete history of a user who was warned', 'acknowledged', 4, 10),
    judged('step 8: status again in the same epoch', { user: gap(0) }),
    judged('step 8: status after 23 epochs', { user: gap(23) }),
    judged('status after 24 epochs', { user: gap(24) }),
    judged('step 8: a gap of 2 epochs, after 1', { user: gap(1) }, { profile: 'tac', statusGap: 2n }),
    judged('a gap of 2 epochs, after 2', { user: gap(2) }, { profile: 'tac', statusGap: 2n }),
    judged('the very same status request again', { user: { ...gap(0), lastRequestTag: tagOf(NOW) } }),
    judged('step 8: a second status request in the same epoch', {
      user: { ...gap(0), lastRequestTag: tagOf(NOW - 1n) },
    }),
    judged('renew needs no gap', { c: 5, payload: PAYLOADS[5]!, user: gap(0) }),
  ]
}

function resetCases(): Case[] {
  const reset = (name: string, testedAt: bigint, changed: (token: Hex) => Hex = (token) => token): Case => {
    const token = changed(resetToken(RESET_KEY, draw(`nonce, ${name}`, 16), testedAt))
    const now = NOW + 20n * 86_400n
    return judged(name, { c: 7, payload: token, epoch: EPOCH }, { now })
  }
  const now = NOW + 20n * 86_400n
  const old = 14n * 86_400n
  return [
    reset('reset: tested now', now),
    reset('reset: tested 14 days ago less a second', now - old + 1n),
    reset('step 7: reset, tested 14 days ago', now - old),
    reset('step 7: reset, tested in the future', now + 1n),
    reset('step 7: reset, a bit of the nonce', now, (token) => flipBit(token, 0)),
    reset('step 7: reset, a bit of the time', now, (token) => flipBit(token, 150)),
    reset('step 7: reset, the last bit of the token', now, (token) => flipBit(token, 287)),
    reset('step 7: reset, no token', now, () => ''),
    judged(
      'step 7: reset, tested before the service',
      { c: 7, payload: resetToken(RESET_KEY, draw('early', 16), START - 1n) },
      {},
    ),
  ]
}

function tokenCases(): Case[] {
  const times = [NOW, at('2036-02-07T06:28:15Z'), at('2036-02-07T06:28:16Z'), at('2038-01-19T03:14:08Z')]
  return times.map((testedAt, i) => {
    const input = { key: RESET_KEY, nonce: draw(`test ${i}`, 16), testedAt }
    return { name: `tested at ${testedAt}`, input, expected: { token: resetToken(input.key, input.nonce, testedAt) } }
  })
}

export const requestSections: Sections = {
  request: builtCases(),
  decision: [
    ...servedCases(),
    ...malformedCases(),
    ...locatedCases(),
    ...macCases(),
    ...statusCases(),
    ...resetCases(),
  ],
  resetToken: tokenCases(),
}
