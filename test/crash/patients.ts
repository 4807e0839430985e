// Clients that declare: patients of ROBERT who upload items, and patients of GAEN who publish keys and revise them.
import { httpSend } from '@vicinity/client/hosts/node'
import {
  dayOf,
  dayStart,
  drawBelow,
  type Epoch,
  epochAt,
  epochStart,
  finishToken,
  later,
  ntpOf,
  requestToken,
  toHex,
  type UtcDay,
} from '@vicinity/protocol'
import { keyStartAt, ROLLING_PERIOD, tekMac, toBase64 } from '@vicinity/protocol/gaen'
import { buildHello, packExposure, packItem, packSignal } from '@vicinity/protocol/robert'
import { act, ask, CALENDAR, type CrashPhone, type Outcome, pairOf, persist, type World } from './phones.ts'
import { ADMIN_KEY, DEVICE_KEY, SETTINGS } from './settings.ts'

const LOUD = 10
const SLOTS = 3
const SLOT_SECONDS = 300
const MINUTES = 5
const DAY = 86_400

/** An item about a phone, and the exposure that it makes. */
interface Heard {
  readonly phone: string
  readonly cell: string
  readonly item: Uint8Array
  readonly counts: boolean
}

/** One item in so many has a MAC, or a token, that is nobody's. */
const FORGED = 12

function hear({ random, now }: World, phone: CrashPhone): Heard {
  const newest = epochAt(CALENDAR, now())
  // Of the day that it is, for which the patient has tokens.
  const oldest = Math.max(phone.list.first, epochAt(CALENDAR, dayStart(dayOf(now()))))
  const epoch = (oldest + drawBelow(random, newest - oldest + 1)) as Epoch
  const slot = drawBelow(random, SLOTS)
  const minutes = 1 + drawBelow(random, MINUTES)
  const time = later(epochStart(CALENDAR, epoch), SLOT_SECONDS * slot + 7)
  const hello = buildHello(phone.keys.authenticationKey, pairOf(phone, epoch), ntpOf(time))
  const counts = drawBelow(random, FORGED) > 0
  if (!counts) hello[hello.length - 1]! ^= 1
  const cell = toHex(packExposure({ epoch, slot, weight: 10 * minutes }))
  return {
    phone: phone.name,
    cell,
    item: packItem(hello, ntpOf(time), packSignal({ strengthClass: LOUD, minutes })),
    counts,
  }
}

/** A patient of the day: a code, a token for each item, and every item until it is answered. Some are sent once more after that. */
export async function declare(world: World, met: readonly CrashPhone[], shared: Heard[]): Promise<void> {
  const { random, now } = world
  const day = dayOf(now())
  const window = { contagiousFrom: later(now(), -DAY), contagiousTo: now() }
  const issued = await ask(world, 'issueCode', window)
  if (issued.is !== 'ok' || met.length === 0) return
  const items = Array.from({ length: SETTINGS.parameters.tokensPerDay }, () =>
    // Two patients may have heard the same bytes: both count.
    shared.length > 0 && drawBelow(random, 8) === 0
      ? shared[drawBelow(random, shared.length)]!
      : hear(world, met[drawBelow(random, met.length)]!),
  )
  shared.push(...items)
  const uploads = await redeem(world, issued.value.code, day, items)
  await Promise.all(
    [0, 1, 2, 3].map((lane) =>
      sendLane(
        world,
        uploads.filter((_, k) => k % 4 === lane),
      ),
    ),
  )
}

interface Upload {
  readonly heard: Heard
  readonly random: Uint8Array
  readonly token: Uint8Array
}

async function redeem(world: World, code: string, day: UtcDay, items: readonly Heard[]): Promise<readonly Upload[]> {
  const asked = items.map((heard) => {
    const random = world.random(32)
    return { heard, random, ...requestToken(heard.item, random) }
  })
  const requests = asked.map(({ request }) => request)
  const answered = await ask(world, 'redeemCode', { code, day, chunk: 0, requests })
  if (answered.is !== 'ok') return []
  return asked.map(({ heard, random, pending }, k) => {
    const token = finishToken(pending, answered.value.responses[k]!)
    const forged = drawBelow(world.random, FORGED) === 0
    if (forged) token[token.length - 1]! ^= 1
    return { heard: { ...heard, counts: heard.counts && !forged }, random, token }
  })
}

async function sendLane(world: World, uploads: readonly Upload[]): Promise<void> {
  for (const { heard, random, token } of uploads) {
    const { phone, cell, counts, item } = heard
    const { call, outcome } = await act(world, { kind: 'upload', phone, cell, counts }, 'upload', {
      item,
      random,
      token,
    })
    if (outcome.is === 'ok') world.history.ok(call)
    if (drawBelow(world.random, 8) === 0) await ask(world, 'upload', { item, random, token })
  }
}

/** Keys that were published, and what they may be revised with. */
export interface Published {
  readonly keys: readonly {
    readonly key: string
    readonly rollingStartNumber: number
    readonly rollingPeriod: number
  }[]
  readonly revisionToken: string
}

type Json = Readonly<Record<string, unknown>>

/** The JSON of an answer, sent to until there is one that says something. */
async function post(world: World, path: string, key: string, body: Json): Promise<Outcome<Json>> {
  return persist(world, () => {}, attemptPost(world, path, key, body), false)
}

const attemptPost = (world: World, path: string, key: string, body: Json) => async (url: string) => {
  const headers = { 'content-type': 'application/json', 'x-api-key': key }
  const answer = await httpSend(url)({ method: 'POST', path, body: JSON.stringify(body), headers })
  if (answer?.status === 500) world.internalError(path)
  if (answer === undefined || answer.status >= 500) return undefined
  const json = JSON.parse(new TextDecoder().decode(answer.body)) as Json
  return answer.status === 200 ? ({ is: 'ok', value: json } as const) : ({ is: 'fail', said: json } as const)
}

/** From a code to a certificate. A code and a token are good once: when an answer is lost the patient asks for another code. */
async function certify(world: World, testType: string, keys: Published['keys'], hmacKey: Uint8Array) {
  const testDate = new Date(world.now() * 1000).toISOString().slice(0, 10)
  while (!world.isOver()) {
    const issued = await post(world, '/api/issue', ADMIN_KEY, { testType, testDate })
    if (issued.is !== 'ok') continue
    const verified = await post(world, '/api/verify', DEVICE_KEY, { code: issued.value['code'], accept: [testType] })
    if (verified.is !== 'ok') continue
    const ekeyhmac = toBase64(tekMac(keys, hmacKey))
    const certified = await post(world, '/api/certificate', DEVICE_KEY, { token: verified.value['token'], ekeyhmac })
    if (certified.is === 'ok') return certified.value['certificate']
  }
  return undefined
}

const KEYS = 3

/** Publishes keys of the last days; with `earlier` revises those. Undefined where nothing can be revised later. */
export async function publish(world: World, earlier?: Published): Promise<Published | undefined> {
  const { random, now, history, round } = world
  const today = keyStartAt(now())
  const keys =
    earlier?.keys ??
    Array.from({ length: KEYS }, (_, k) => ({
      key: toBase64(random(16)),
      rollingStartNumber: today - (k + 1) * ROLLING_PERIOD,
      rollingPeriod: ROLLING_PERIOD,
    }))
  const hmacKey = random(16)
  const certificate = await certify(world, earlier === undefined ? 'likely' : 'confirmed', keys, hmacKey)
  if (certificate === undefined) return undefined
  const body = {
    temporaryExposureKeys: keys,
    healthAuthorityID: SETTINGS.gaen.keyServer.healthAuthorityId,
    verificationPayload: certificate,
    hmacKey: toBase64(hmacKey),
    revisionToken: earlier?.revisionToken ?? '',
    padding: toBase64(random(100)),
  }
  const named = keys.map(({ key }) => toHex(Uint8Array.from(Buffer.from(key, 'base64'))))
  const call = history.invoke(round, { kind: earlier === undefined ? 'publish' : 'revise', keys: named })
  let sent = 0
  const note = () => {
    sent++
    history.sent(call)
  }
  const outcome = await persist<Json>(world, note, attemptPost(world, '/v1/publish', DEVICE_KEY, body))
  // Of a publication that was sent again: the first has arrived, and only its answer was lost.
  const arrived = outcome.is === 'fail' && sent > 1 && 'said' in outcome && isKnown(outcome.said)
  if (outcome.is === 'ok' || arrived) history.ok(call)
  else if (outcome.is === 'fail') history.fail(call)
  else history.unknown(call)
  if (outcome.is !== 'ok' || earlier !== undefined) return undefined
  return { keys, revisionToken: String(outcome.value['revisionToken']) }
}

const isKnown = (said: unknown): boolean => (said as Json)['code'] === 'missing_revision_token'
