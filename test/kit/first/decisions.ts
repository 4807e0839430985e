// The cases of ROBERT §6.2 and §7, answered by packages/protocol.
import { fromHex, Malformed, toHex, type UtcDay } from '@vicinity/protocol'
import {
  CONTACT_REFUSALS,
  type ContactContext,
  DEFAULT_PARAMETERS,
  DEFAULT_RISK_FUNCTION,
  decideContacts,
  decideRequest,
  federationCipher,
  type IdentifierKeys,
  keyTable,
  locateContacts,
  locateRequests,
  makeList,
  NEW_STATUS,
  type Notified,
  parseItem,
  REQUEST_REFUSALS,
  type RequestContext,
  SPEC,
  serverKeyOf,
  TAC,
  type UserRecord,
  verdictOf,
} from '@vicinity/protocol/robert'
import { Fields } from './fields.ts'
import { calendarOf, profileOf, type Runner, unix } from './messages.ts'

const id = (value: number): string => value.toString(16).padStart(10, '0')

function keysOf(input: Fields): IdentifierKeys {
  const keys = new Map(
    input.entries('serverKeys').map(([day, key]) => [Number(day) as UtcDay, serverKeyOf(fromHex(String(key)))]),
  )
  return {
    calendar: calendarOf(input),
    countryCode: input.has('countryCode') ? input.uint('countryCode') : 0,
    federation: federationCipher(input.has('federationKey') ? input.bytes('federationKey') : new Uint8Array(32)),
    serverKeyOf: (day) => keys.get(day),
  }
}

const bundle: Runner = (input) => {
  const first = input.number('firstEpoch') as never
  return { pairs: toHex(makeList(keysOf(input), input.uint('id'), first, input.number('count')).pairs) }
}

const contact: Runner = (input) => {
  const context: ContactContext = {
    ...keysOf(input),
    profile: input.text('comparison') === 'inclusive' ? TAC : SPEC,
    parameters: {
      ...DEFAULT_PARAMETERS,
      helloTolerance: input.number('tolerance'),
      contagiousDays: input.number('contagiousDays'),
    },
    peers: new Set(input.list('peers').map((peer) => Number.parseInt(String(peer), 16))),
  }
  const users = input.list('users').map((user) => new Fields(user))
  const keys = new Map(users.map((user) => [user.uint('id'), user.bytes('authenticationKey')]))
  try {
    parseItem(input.bytes('item'))
  } catch (error) {
    if (error instanceof Malformed) return { refused: 1 }
    throw error
  }
  const now = unix(input, 'now')
  const located = locateContacts(input.bytes('item'), context, now)
  const verdict = verdictOf(decideContacts(located, keyTable(keys), context, now), 0)
  if (verdict.route === 'refused') return { refused: CONTACT_REFUSALS[verdict.reason] }
  if (verdict.route === 'foreign') return { forwarded: verdict.countryCode.toString(16).padStart(2, '0') }
  return { accepted: { ...verdict.exposure, id: id(verdict.id) } }
}

function userOf(fields: Fields): UserRecord {
  const numbered = (name: string) => fields.numberOrNull(name) as UserRecord['status']['warnedThrough']
  return {
    id: fields.uint('id'),
    authenticationKey: fields.bytes('authenticationKey'),
    encryptionKey: new Uint8Array(32),
    status: {
      ...NEW_STATUS,
      notified: fields.text('notified') as Notified,
      lastStatusRequestEpoch: numbered('lastStatusRequestEpoch'),
      warnedThrough: numbered('warnedThrough'),
      ...(fields.hexOrNull('lastRequestTag') && { lastRequestTag: fields.bytes('lastRequestTag') }),
    },
    exposedEpochs: new Uint8Array(0),
  }
}

const decision: Runner = (input) => {
  const context: RequestContext = {
    ...keysOf(input),
    profile: profileOf(input),
    parameters: {
      ...DEFAULT_PARAMETERS,
      requestTolerance: input.number('tolerance'),
      statusGap: input.number('statusGap'),
      notifiedDays: input.number('notifiedDays'),
      contagiousDays: input.number('contagiousDays'),
    },
    riskFunction: DEFAULT_RISK_FUNCTION,
    replyKey: new Uint8Array(32),
    drawKey: new Uint8Array(32),
    resetKey: input.bytes('resetKey'),
  }
  const now = unix(input, 'now')
  const bytes = input.bytes('request')
  const located = locateRequests([bytes], context, now)[0]!
  const users = input.list('users').map((user) => userOf(new Fields(user)))
  const user = located.located ? users.find((known) => known.id === located.id) : undefined
  const decided = decideRequest(located, user, context, now)
  if (!decided.served) return { refused: REQUEST_REFUSALS[decided.reason] }
  return { served: { c: Number.parseInt(toHex(bytes.subarray(0, 1)), 16), id: id(user!.id) } }
}

export const decisionRunners: Readonly<Record<string, Runner>> = { bundle, contact, decision }
