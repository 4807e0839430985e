import { concat, dayOf, dayOfEpoch, epochAt, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { gcmSeal } from '@vicinity/protocol/crypto'
import {
  buildHello,
  buildRequest,
  CODE,
  DEFAULT_PARAMETERS,
  DEFAULT_RISK_FUNCTION,
  decideRequest,
  eraseServerKey,
  federationCipher,
  LOCAL,
  locateRequests,
  makeList,
  NEW_STATUS,
  packItem,
  REPLY_PAIRS,
  type RequestContext,
  type ServerKey,
  SIZE,
  SPEC,
  sealReply,
  serverKeyOf,
} from '@vicinity/protocol/robert'
import { doWork } from './crew/work.ts'
import { sealUserKey } from './keys/sealed.ts'

// By measurement: most of what more would gain, in less than a tenth of a second.
const BATCHES = 10
const ITEMS = 512
const REQUESTS = 20

// Nothing of this is anybody's: a calendar that begins in 1970, keys of zeros, a user that no service has.
const AT = (100.5 * 86_400) as UnixSeconds
const ZEROS = new Uint8Array(SIZE.key)
const zeros = (length: number): Uint8Array => new Uint8Array(length)
const USER = 1
const CALENDAR = { serviceStart: 0 as UnixSeconds, epochDuration: DEFAULT_PARAMETERS.epochDuration }
const EPOCH = epochAt(CALENDAR, AT)
const SETTINGS = { calendar: CALENDAR, countryCode: 0, peers: new Set<number>(), parameters: DEFAULT_PARAMETERS }

/**
 * Goes through the cryptography of items and of requests before anybody waits for it: modules are loaded, and compilers see what
 * will be called often. Touches no store, no key of the service and no count. Gives how many items and requests came through.
 */
export function warmUp(): { readonly items: number; readonly requests: number } {
  const key = serverKeyOf(zeros(SIZE.serverKey))
  const context = contextOf(key)
  const list = makeList(context, USER, EPOCH, 1)
  const item = packItem(buildHello(ZEROS, list.pairs, ntpOf(AT)), ntpOf(AT), 0)
  let [items, requests] = [0, 0]
  for (let batch = 0; batch < BATCHES; batch++) items += judgeItems(item)
  for (let request = 0; request < REQUESTS; request++) {
    requests += answerRequest(context, list.pairs.subarray(0, SIZE.ebid))
  }
  eraseServerKey(key)
  return { items, requests }
}

const contextOf = (key: ServerKey): RequestContext => ({
  ...SETTINGS,
  profile: SPEC,
  federation: federationCipher(ZEROS),
  serverKeyOf: (day) => (day === dayOf(AT) ? key : undefined),
  riskFunction: DEFAULT_RISK_FUNCTION,
  replyKey: ZEROS,
  drawKey: ZEROS,
  resetKey: ZEROS,
})

const sealed = (place: Uint8Array, plaintext: Uint8Array): Uint8Array => {
  const iv = zeros(SIZE.iv)
  return concat(iv, gcmSeal(ZEROS, iv, plaintext, place))
}

/** ROBERT §6.2 for one item, many times. */
function judgeItems(item: Uint8Array): number {
  const context = { ...SETTINGS, at: AT, inclusiveTolerance: false }
  const place = zeros(1)
  const { located, ids } = doWork('locate', {
    secrets: zeros(2 * SIZE.key + SIZE.serverKey),
    days: [dayOf(AT)],
    context,
    place,
    sealed: concat(...new Array<Uint8Array>(ITEMS).fill(sealed(place, item))),
  })
  const key = sealUserKey({ version: 1, key: ZEROS }, 'authentication', USER, ZEROS, zeros)
  const { verdicts } = doWork('decide', { secrets: zeros(SIZE.key), versions: [1], context, located, ids, sealed: key })
  return verdicts.routes.filter((route) => route === LOCAL).length
}

/** A status request: ROBERT §7. */
function answerRequest(context: RequestContext, ebid: Uint8Array): number {
  const fields = { code: CODE.status, ebid, epoch: EPOCH, time: ntpOf(AT), payload: zeros(0) }
  const [located] = locateRequests([buildRequest(SPEC, ZEROS, fields)], context, AT)
  const user = { id: USER, authenticationKey: ZEROS, encryptionKey: ZEROS, status: NEW_STATUS, exposedEpochs: zeros(0) }
  const decision = decideRequest(located!, user, context, AT)
  const reply = {
    kind: fields.code,
    atRisk: false,
    serverTime: ntpOf(AT),
    replyId: zeros(SIZE.replyId),
    nextPoll: 0,
    exposureDay: dayOfEpoch(CALENDAR, EPOCH),
    list: makeList(context, USER, EPOCH, REPLY_PAIRS / 4),
  }
  sealReply(ZEROS, reply, zeros)
  return Number(decision.served)
}
