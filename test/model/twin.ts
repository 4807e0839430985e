// The real back-end and its reference side by side: every command happens to both, then all that can be seen is compared.
import assert from 'node:assert/strict'
import { toHex } from '@vicinity/protocol'
import { CODE, type Reply } from '@vicinity/protocol/robert'
import {
  type Account,
  BackEnd,
  describeRest,
  describeUser,
  type KeyPair,
  keepPairs,
  keyPairOf,
  packedItem,
  payloadOf,
  type Upload,
} from './back-end.ts'
import type { Command, DeliveryFlaw } from './commands.ts'
import { type Answer, type Item, NO_REPLY_ID, Reference, type Request } from './reference.ts'
import { RULES } from './rules.ts'

const DAY = 86_400
const NTP_MINUS_UNIX = 2_208_988_800
const EPOCH = RULES.epochDuration
const dayOf = (at: number): number => Math.floor(at / DAY)
const PHONES: readonly KeyPair[] = [0, 1, 2, 3].map((phone) => keyPairOf(`phone ${phone}`))

interface Sent {
  readonly bytes: Uint8Array
  readonly request: Request
}

/** What somebody carries: the newest account, what was heard, the last code, what was sent and what was told. */
interface Phone {
  readonly keyPair: KeyPair
  account: number | undefined
  heard: { readonly item: Item; readonly bytes: Uint8Array }[]
  code: { readonly code: string; readonly expires: number; readonly from: number } | undefined
  sent: Sent[]
  /** Reply ids of status replies that arrived: as bytes, and as the reference names them. */
  replyIds: { readonly bytes: Uint8Array; readonly name: string }[]
}

interface Delivery {
  readonly item: Item
  readonly upload: Upload
  /** The token's number. */
  readonly number: number
  readonly good: boolean
}

interface Test {
  readonly token: Uint8Array
  readonly number: number
  readonly testedAt: number
}

type Of<Name extends Command['do']> = Extract<Command, { readonly do: Name }>

export class Twin implements AsyncDisposable {
  now: number
  readonly #backEnd: BackEnd
  readonly #reference: Reference
  readonly #phones: readonly Phone[]
  readonly #accounts: Account[] = []
  readonly #deliveries: Delivery[] = []
  readonly #tests: Test[] = []
  readonly #replyIds = new Map<string, string>()
  #numbers = 0
  #warnings = 0

  constructor(start: number) {
    this.now = start
    this.#backEnd = new BackEnd(start, () => this.now)
    this.#reference = new Reference(start)
    this.#phones = PHONES.map((keyPair) => ({
      keyPair,
      account: undefined,
      heard: [],
      code: undefined,
      sent: [],
      replyIds: [],
    }))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#backEnd.close()
  }

  /** How often each outcome came about. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#reference.counts, ['told "1"', this.#warnings]])
  }

  /** Server keys exist and two people have registered. */
  async begin(): Promise<void> {
    await this.run({ do: 'rotate' })
    await this.run({ do: 'register', phone: 0 })
    await this.run({ do: 'register', phone: 1 })
  }

  /** Whether the command could happen at all. */
  async run(command: Command): Promise<boolean> {
    const happened = await (HAPPENINGS[command.do] as (twin: Twin, command: Command) => Promise<boolean>)(this, command)
    if (happened) await this.#compare()
    return happened
  }

  async #compare(): Promise<void> {
    const { users, serverKeys, intakeWindows, queue, counts } = this.#reference
    const today = dayOf(this.now)
    const days = Array.from({ length: 40 }, (_, k) => today - 30 + k)
    const lines = this.#accounts.map((_, account) => {
      const user = users.get(account)
      if (user === undefined) return `${account} unknown`
      return describeUser(account, user.notified, user.asked, user.warned, user.lee)
    })
    const queued = [...new Set(queue.map(({ window }) => window))].sort((a, b) => a - b)
    const known = [...serverKeys].filter((day) => days.includes(day))
    const expected = [...lines, ...describeRest(known, [...intakeWindows], queued, counts)]
    assert.deepEqual(await this.#backEnd.state(this.#accounts, days), expected)
  }

  async rotate(): Promise<boolean> {
    this.#reference.rotate(this.now)
    await this.#backEnd.run('server keys')
    return true
  }

  async purge(): Promise<boolean> {
    this.#reference.purge(this.now)
    await this.#backEnd.run('purge')
    return true
  }

  async process(): Promise<boolean> {
    this.#reference.process(this.now)
    await this.#backEnd.run('process contacts')
    return true
  }

  async tick(seconds: number): Promise<boolean> {
    this.now += seconds
    return seconds > 0
  }

  /** On the second at which something changes, or just beside it. */
  reach({ edge, offset }: Of<'reach'>): Promise<boolean> {
    const reference = this.#reference
    const users = [...reference.users.values()]
    const next = (step: number, phase = 0) => (Math.floor((this.now - phase) / step) + 1) * step + phase
    const epochs = {
      gap: users.flatMap(({ asked }) => (asked === undefined ? [] : [asked + RULES.statusGap])),
      'too old': users.flatMap(({ lee }) => lee.map(({ epoch }) => epoch + (RULES.riskNewestDays * DAY) / EPOCH)),
      expiry: users.flatMap(({ lee }) => lee.map(({ epoch }) => epoch + (RULES.contagiousDays * DAY) / EPOCH)),
      'end of warning': users.flatMap(({ notified, warned }) =>
        notified === 'acknowledged' ? [warned! + (RULES.notifiedDays * DAY) / EPOCH] : [],
      ),
    }
    const moments = {
      epoch: () => next(EPOCH, reference.start),
      midnight: () => next(DAY),
      window: () => next(RULES.poolWindow),
      wrap: () => next(65_536, -NTP_MINUS_UNIX),
    }
    const ahead =
      edge in epochs
        ? epochs[edge as keyof typeof epochs].map((epoch) => reference.startOf(epoch)).filter((at) => at > this.now + 1)
        : [moments[edge as keyof typeof moments]()]
    return ahead.length === 0 ? Promise.resolve(false) : this.tick(Math.min(...ahead) + offset - this.now)
  }

  async register(phone: Phone, twice: boolean): Promise<boolean> {
    const expected = this.#reference.register(this.now)
    if (expected === undefined) {
      await assert.rejects(this.#backEnd.register(phone.keyPair), { name: 'Unavailable' })
      return true
    }
    const { account, first, again } = await this.#backEnd.register(phone.keyPair)
    assert.deepEqual({ first, count: account.pairs.size }, { first: expected.first, count: expected.count })
    if (twice) await assert.rejects(again(), { name: 'Refused', reason: 'challengeSpent' })
    assert.equal(this.#accounts.push(account) - 1, expected.account)
    phone.account = expected.account
    phone.sent = []
    return true
  }

  /** The phone of a number, counted among those with an account. */
  registered(number: number): Phone | undefined {
    const with_ = this.#phones.filter(({ account }) => account !== undefined)
    return with_[number % with_.length]
  }

  epochAhead(epochs: number): number {
    return Math.max(this.#reference.epochAt(this.now) + epochs, 0)
  }

  phone(number: number): Phone {
    return this.#phones[number % this.#phones.length]!
  }

  async hear(command: Of<'hear'>): Promise<boolean> {
    const speaker = this.registered(command.speaker)
    if (speaker === undefined) return false
    const account = speaker.account!
    let heard = false
    for (let slot = 0; slot < command.slots; slot++, this.now += 300) {
      const emitted = this.now + command.ahead
      const epoch = this.#reference.epochAt(emitted) + command.shift
      if (!this.#accounts[account]!.pairs.has(epoch)) continue
      const { minutes, strength, flaw } = command
      const item = { account, epoch, emitted, received: emitted + command.late, minutes, strength, flaw }
      this.phone(command.listener).heard.push({ item, bytes: packedItem(this.#accounts[account]!, item) })
      heard = true
    }
    return heard
  }

  /** ROBERT §6.1: code, consent, window, tokens. The items leave with `deliver`. */
  async declare({ phone: number, days, consent, wrongDay }: Of<'declare'>): Promise<boolean> {
    const phone = this.phone(number)
    const from = this.now - days * DAY
    const to = Math.min(this.now + DAY, from + RULES.contagiousDays * DAY)
    const { code } = await this.#backEnd.issueCode(from, to)
    if (!consent) return true
    phone.code = { code, expires: this.now + RULES.codeDays * DAY, from }
    const inside = phone.heard.filter(({ item }) => from < item.received && item.received < to)
    for (let day = dayOf(from); day <= dayOf(to); day++) {
      const contactDay = wrongDay ? day + 1 : day
      const chosen = inside.filter(({ item }) => dayOf(item.received) === contactDay).slice(0, RULES.tokensPerDay)
      const uploads = await this.#backEnd.redeem(
        code,
        day,
        chosen.map(({ bytes }) => bytes),
      )
      for (const [k, upload] of uploads.entries()) {
        this.#deliveries.push({ item: chosen[k]!.item, upload, number: this.#numbers++, good: !wrongDay })
      }
    }
    return true
  }

  /** The same code with other requests: nothing is given a second time. */
  async declareAgain(phone: Phone): Promise<boolean> {
    if (phone.code === undefined) return false
    const { code, expires, from } = phone.code
    const reason = this.now >= expires ? 'codeUnknown' : 'chunkTaken'
    await assert.rejects(this.#backEnd.redeem(code, dayOf(from), []), { name: 'Refused', reason })
    return true
  }

  /** Uploads some of what has a token: for the first time or again, now or days later. */
  async deliver({ from, count, order, flaw }: Of<'deliver' | 'lose upload'>): Promise<boolean> {
    const length = this.#deliveries.length
    if (length === 0) return false
    // From the newest back: what was just declared is the likeliest.
    const chosen = Array.from(
      { length: Math.min(count, length) },
      (_, k) => this.#deliveries[(2 * length - 1 - (from % length) - k) % length]!,
    )
    const sequence = { forward: chosen, reverse: chosen.toReversed(), twice: chosen.flatMap((one) => [one, one]) }[
      order
    ]
    for (const { item, upload, number, good } of sequence) {
      this.#reference.upload(item, number, good && flaw === 'none', this.now)
      await this.#backEnd.upload(withFlaw(upload, flaw))
    }
    return true
  }

  /** Builds a request with the identifier of this epoch or else the newest held, and sends it. */
  async ask(
    phone: Phone | undefined,
    asked: Pick<Request, 'kind'> & Partial<Omit<Request, 'bytes'>>,
    { lost = false, payload = payloadOf(asked) }: { readonly lost?: boolean; readonly payload?: Uint8Array } = {},
  ): Promise<boolean> {
    if (phone === undefined) return false
    const account = this.#accounts[phone.account!]!
    const current = this.#reference.epochAt(this.now)
    const epoch = account.pairs.has(current) ? current : Math.max(...account.pairs.keys())
    const fields = { account: phone.account!, epoch, time: this.now, flaw: 'none' as const, ...asked }
    const bytes = this.#backEnd.requestOf(account, fields, payload)
    phone.sent.unshift({ bytes, request: { ...fields, bytes: toHex(bytes) } })
    await this.#send(phone, phone.sent[0]!, lost)
    return true
  }

  async resend(phone: Phone | undefined, back: number): Promise<boolean> {
    const sent = phone?.sent[back]
    if (phone === undefined || sent === undefined) return false
    await this.#send(phone, sent, false)
    return true
  }

  async #send(phone: Phone, { bytes, request }: Sent, lost: boolean): Promise<void> {
    const account = this.#accounts[request.account]!
    const expected = this.#reference.request(request, this.now)
    const reply = await this.#backEnd.ask(account, bytes)
    assert.equal(reply === undefined, expected === undefined, `a ${request.kind} is answered as the reference says`)
    if (reply === undefined || expected === undefined) return
    this.#compareReply(expected, reply)
    if (lost) return
    keepPairs(account, reply.list)
    if (expected.kind === 'status') phone.replyIds.unshift({ bytes: reply.replyId, name: expected.replyId })
  }

  #compareReply(expected: Answer, reply: Reply): void {
    const { kind, atRisk, exposureDay, list } = reply
    const said = { kind, atRisk, day: exposureDay, first: list.first, count: list.pairs.length / 9 }
    const { replyId: name, ...others } = expected
    assert.deepEqual(said, { ...others, kind: CODE[expected.kind] })
    if (atRisk) this.#warnings++
    // One name, one id, for ever.
    const id = toHex(reply.replyId)
    if (name === NO_REPLY_ID) assert.match(id, /^0+$/)
    else assert.equal(id, this.#replyIds.get(name) ?? id)
    const known = [...this.#replyIds].find(([, value]) => value === id)
    if (known !== undefined) assert.equal(known[0], name)
    if (name !== NO_REPLY_ID) this.#replyIds.set(name, id)
  }

  acknowledge({ phone: number, which }: Of<'acknowledge' | 'lose acknowledge'>, lost: boolean): Promise<boolean> {
    const phone = this.registered(number)
    // Usually the newest, else an older one or one of somebody else.
    const ids = which < 3 ? phone?.replyIds : this.#phones[which]?.replyIds
    const { bytes, name } = ids?.[which === 2 ? 1 : 0] ?? { bytes: new Uint8Array(8), name: NO_REPLY_ID }
    return this.ask(phone, { kind: 'acknowledge', replyId: name }, { lost, payload: bytes })
  }

  async reset({ phone: number, age, token: which }: Of<'reset'>): Promise<boolean> {
    const phone = this.registered(number)
    const known = this.#tests.at(which === 'again' ? -1 : 0)
    const testedAt = this.now - age
    const fresh = which === 'fresh' || which === 'forged' || known === undefined
    const test = fresh ? { token: await this.#backEnd.issueReset(testedAt), number: this.#numbers++, testedAt } : known
    if (fresh) this.#tests.push(test)
    const genuine = which !== 'forged'
    const payload = genuine ? test.token : test.token.with(35, test.token[35]! ^ 1)
    const { number: token } = test
    return this.ask(phone, { kind: 'reset', test: { number: token, testedAt: test.testedAt, genuine } }, { payload })
  }

  async rejoin(number: number): Promise<boolean> {
    const phone = this.registered(number)
    if (!(await this.ask(phone, { kind: 'unregister' }))) return false
    return this.register(phone!, false)
  }
}

function withFlaw(upload: Upload, flaw: DeliveryFlaw): Upload {
  const turn = (bytes: Uint8Array, at: number) => bytes.with(at, bytes.at(at)! ^ 1)
  if (flaw === 'none') return upload
  if (flaw === 'item') return { ...upload, item: turn(upload.item, 0) }
  return { ...upload, token: turn(upload.token, flaw === 'nonce' ? 0 : -1) }
}

const HAPPENINGS: { readonly [Name in Command['do']]: (twin: Twin, command: Of<Name>) => Promise<boolean> } = {
  register: (twin, { phone }) => twin.register(twin.phone(phone), false),
  'register twice': (twin, { phone }) => twin.register(twin.phone(phone), true),
  rejoin: (twin, { phone }) => twin.rejoin(phone),
  hear: (twin, command) => twin.hear(command),
  tick: (twin, { seconds }) => twin.tick(seconds),
  reach: (twin, command) => twin.reach(command),
  declare: (twin, command) => twin.declare(command),
  'declare again': (twin, { phone }) => twin.declareAgain(twin.phone(phone)),
  deliver: (twin, command) => twin.deliver(command),
  'lose upload': (twin, command) => twin.deliver(command),
  poll: (twin, command) => poll(twin, command, false),
  'lose status': (twin, command) => poll(twin, command, true),
  resend: (twin, { phone, back }) => twin.resend(twin.registered(phone), back),
  acknowledge: (twin, command) => twin.acknowledge(command, false),
  'lose acknowledge': (twin, command) => twin.acknowledge(command, true),
  renew: (twin, { phone, ahead, flaw }) =>
    twin.ask(twin.registered(phone), { kind: 'renew', first: twin.epochAhead(ahead), flaw }),
  reset: (twin, command) => twin.reset(command),
  unregister: (twin, { phone }) => twin.ask(twin.registered(phone), { kind: 'unregister' }),
  'delete history': (twin, { phone }) => twin.ask(twin.registered(phone), { kind: 'deleteHistory' }),
  rotate: (twin) => twin.rotate(),
  purge: (twin) => twin.purge(),
  process: (twin) => twin.process(),
}

const poll = (twin: Twin, { phone, skew, flaw }: Of<'poll' | 'lose status'>, lost: boolean): Promise<boolean> =>
  twin.ask(twin.registered(phone), { kind: 'status', time: twin.now + skew, flaw }, { lost })
