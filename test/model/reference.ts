// The back-end as the specification and docs/divergences.md describe it, with Maps and arrays: no cryptography, no database,
// nothing of the code that it is compared with. Times are Unix seconds, accounts are numbers in the order of registration.
import { RULES } from './rules.ts'

const DAY = 86_400
const SLOT = 300
const EPOCH = RULES.epochDuration
const CT = (RULES.contagiousDays * DAY) / EPOCH

/** A (HELLO, Time) pair as it came about. */
export interface Item {
  readonly account: number
  /** The epoch of the identifier in it. */
  readonly epoch: number
  readonly emitted: number
  readonly received: number
  readonly minutes: number
  /** 0 unknown, else -(28 + 2k) dBm. */
  readonly strength: number
  readonly flaw: 'none' | 'mac' | 'foreign' | 'country'
}

export interface Exposure {
  readonly epoch: number
  readonly slot: number
  readonly weight: number
}

export interface User {
  lee: Exposure[]
  notified: 'none' | 'pending' | 'acknowledged'
  /** SRE. */
  asked: number | undefined
  /** Exposures up to this epoch no longer count; while notified, the one that warned. */
  warned: number | undefined
  /** The last status request that was decided. */
  decided: string | undefined
}

export interface Request {
  /** Looked at only to tell whether it is the same again. */
  readonly bytes: string
  readonly account: number
  readonly kind: 'status' | 'unregister' | 'deleteHistory' | 'renew' | 'acknowledge' | 'reset'
  readonly epoch: number
  readonly time: number
  /** One bit is turned: of the MAC, of the payload's first byte, or of the clear epoch. */
  readonly flaw: 'none' | 'mac' | 'payload' | 'epoch'
  /** renew: the first epoch wanted. */
  readonly first?: number
  /** acknowledge. */
  readonly replyId?: string
  /** reset. */
  readonly test?: { readonly number: number; readonly testedAt: number; readonly genuine: boolean }
}

export interface Answer {
  readonly kind: Request['kind']
  readonly atRisk: boolean
  /** UTC day of the newest exposure; 0 for none. */
  readonly day: number
  readonly replyId: string
  readonly first: number
  readonly count: number
}

export const NO_REPLY_ID = 'no id'
/** The last bit. */
export const turned = (value: number): number => (value % 2 === 0 ? value + 1 : value - 1)
const replyIdOf = (account: number, episode: number | undefined): string => `${account} ${episode ?? 'none'}`
const dayOf = (at: number): number => Math.floor(at / DAY)
const neighbourOf = (at: number): number => dayOf(at) + (at - dayOf(at) * DAY < DAY / 2 ? -1 : 1)
/** Whether a reception is so close to midnight that an epoch of the other day may pass (divergence 5). */
const isNearMidnight = (at: number): boolean =>
  dayOf(at - 2 * EPOCH) !== dayOf(at) || dayOf(at + 2 * EPOCH) !== dayOf(at)

export class Reference {
  readonly start: number
  readonly users: Map<number, User> = new Map()
  readonly serverKeys: Set<number> = new Set()
  readonly intakeWindows: Set<number> = new Set()
  readonly counts: Map<string, number> = new Map()
  queue: { readonly window: number; readonly item: Item }[] = []
  /** Token or test, and its day. */
  readonly #spent = new Map<string, number>()
  #accounts = 0

  constructor(start: number) {
    this.start = start
  }

  epochAt(at: number): number {
    return Math.floor((at - this.start) / EPOCH)
  }
  startOf(epoch: number): number {
    return this.start + epoch * EPOCH
  }
  dayOfEpoch(epoch: number): number {
    return dayOf(this.startOf(epoch))
  }
  #firstOfDay(day: number): number {
    return Math.ceil((day * DAY - this.start) / EPOCH)
  }
  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  // Jobs

  /** One key a day: for the bundle and two days more; destroyed CT + 1 days after its day (divergence 5). */
  rotate(at: number): void {
    const today = dayOf(at)
    for (const day of this.serverKeys) if (day < today - RULES.contagiousDays - 1) this.serverKeys.delete(day)
    for (let day = this.dayOfEpoch(this.epochAt(at)); day <= today + RULES.bundleDays + 2; day++)
      this.serverKeys.add(day)
  }

  /** ROBERT §6.2 footnote 17. */
  purge(at: number): void {
    const now = this.epochAt(at)
    for (const user of this.users.values()) user.lee = user.lee.filter(({ epoch }) => now - epoch < CT)
    for (const [token, day] of this.#spent) if (day < dayOf(at) - RULES.contagiousDays - 1) this.#spent.delete(token)
  }

  /** Applies the windows that are over; a key goes two minutes after its window. */
  process(at: number): void {
    const due = ({ window }: { window: number }) => window < Math.floor(at / RULES.poolWindow)
    for (const { item } of this.queue.filter(due)) this.#apply(item, at)
    this.queue = this.queue.filter((entry) => !due(entry))
    for (const window of this.intakeWindows) {
      const over = at >= (window + 1) * RULES.poolWindow + 120
      if (over && !this.queue.some((entry) => entry.window === window)) this.intakeWindows.delete(window)
    }
  }

  // Phones

  /** The new account, or undefined where the back-end has no server key. */
  register(at: number): { account: number; first: number; count: number } | undefined {
    const now = this.epochAt(at)
    if (!this.serverKeys.has(this.dayOfEpoch(now))) return undefined
    const account = this.#accounts++
    this.users.set(account, { lee: [], notified: 'none', asked: undefined, warned: undefined, decided: undefined })
    this.#count('registered')
    return { account, ...this.#list(now, this.#firstOfDay(dayOf(at) + RULES.bundleDays + 1) - now) }
  }

  /** Consecutive identifiers, as far as there are server keys. */
  #list(first: number, most: number): { first: number; count: number } {
    let count = 0
    while (count < most && this.serverKeys.has(this.dayOfEpoch(first + count))) count++
    return { first, count }
  }

  /** An uploaded item with its token; `good` is what only cryptography can tell (divergence 9). */
  upload(item: Item, token: number, good: boolean, at: number): void {
    const day = dayOf(item.received)
    const age = dayOf(at) - day
    if (!good || age < -1 || age > RULES.contagiousDays + 1) {
      this.#count('upload.tokenRefused')
      return
    }
    const window = Math.floor(at / RULES.poolWindow)
    this.intakeWindows.add(window)
    if (this.#spend(`token ${token}`, day)) {
      this.queue.push({ window, item })
      this.#count('upload.queued')
    } else this.#count('upload.repeated')
  }

  #spend(what: string, day: number): boolean {
    if (this.#spent.has(what)) return false
    this.#spent.set(what, day)
    return true
  }

  // ROBERT §6.2

  #apply(item: Item, at: number): void {
    const verdict = this.#judge(item, at)
    this.#count(`item.${verdict}`)
    if (verdict !== 'accepted') return
    // The slot is that of the emission, whatever the uploader says (divergence 12).
    const emitted = item.received + this.#distance(item)
    const slot = Math.min(Math.max(Math.floor((emitted - this.startOf(item.epoch)) / SLOT), 0), EPOCH / SLOT - 1)
    this.users.get(item.account)!.lee.push({ epoch: item.epoch, slot, weight: weightOf(item) })
  }

  /** Seconds from reception to emission on the circle of 16 bits (divergence 3). */
  #distance({ emitted, received }: Item): number {
    const forward = (((emitted - received) % 65_536) + 65_536) % 65_536
    return forward < 32_768 ? forward : forward - 65_536
  }

  #judge(item: Item, at: number): string {
    if (Math.abs(this.#distance(item)) >= RULES.helloTolerance) return 'refused.2.helloTooFarFromTime'
    if (item.flaw === 'foreign') return 'foreign'
    const { received: time } = item
    const days = isNearMidnight(time) ? [dayOf(time), neighbourOf(time)] : [dayOf(time)]
    const tried = days.filter((day) => this.serverKeys.has(day))
    if (tried.length === 0) return 'refused.4.noServerKey'
    if (!tried.includes(this.dayOfEpoch(item.epoch)) || !this.users.has(item.account)) return 'refused.5.unknownId'
    const received = this.epochAt(item.received)
    if (received < 0 || Math.abs(received - item.epoch) > 1) return 'refused.6.epochMismatch'
    if (item.flaw !== 'none') return 'refused.8.macInvalid'
    const now = this.epochAt(at)
    if (now - item.epoch >= CT || item.epoch > now + 1) return 'refused.9.outsideContagiousPeriod'
    return 'accepted'
  }

  // ROBERT §7 and appendix C

  /** The answer, or undefined for the constant reply. */
  request(request: Request, at: number): Answer | undefined {
    const user = this.users.get(request.account)
    const refusal = this.#refuses(request, user, at)
    if (refusal !== undefined) {
      this.#count(`request.refused.${refusal}`)
      return undefined
    }
    this.#count(`request.${request.kind}`)
    return this.#answer(request, user!, at)
  }

  /** Steps 2 to 6, and what the operation itself has to refuse; an operation that is not refused has happened. */
  #refuses(request: Request, user: User | undefined, at: number): string | undefined {
    const { kind, flaw } = request
    if (flaw === 'payload' && ['status', 'unregister', 'deleteHistory'].includes(kind)) return 'malformed'
    if (Math.abs(request.time - at) >= RULES.requestTolerance) return 'clockTooFar'
    const start = this.startOf(flaw === 'epoch' ? turned(request.epoch) : request.epoch)
    const tried = [dayOf(start), neighbourOf(start)].filter((day) => this.serverKeys.has(day))
    if (tried.length === 0) return 'noServerKey'
    if (flaw === 'epoch' || !tried.includes(dayOf(start))) return 'epochMismatch'
    if (user === undefined) return 'unknownId'
    if (flaw !== 'none') return 'macInvalid'
    if (request.kind === 'status') return this.#status(request, user, at)
    if (request.kind === 'reset') return this.#reset(request, user, at)
    if (request.kind === 'unregister') this.users.delete(request.account)
    if (request.kind === 'deleteHistory') user.lee = []
    const settles = user.notified === 'pending' && request.replyId === replyIdOf(request.account, user.warned)
    if (request.kind === 'acknowledge' && settles) user.notified = 'acknowledged'
    return undefined
  }

  /** Steps 7 and 8. */
  #status(request: Request, user: User, at: number): string | undefined {
    const now = this.epochAt(at)
    const ended = now - (user.warned ?? 0) >= (RULES.notifiedDays * DAY) / EPOCH
    if (user.notified === 'acknowledged' && !ended) return 'alreadyNotified'
    // Until it is acknowledged, "1" is answered again (divergence 6); the same request gets the same answer (divergence 15).
    if (user.notified === 'pending' || user.decided === request.bytes) return undefined
    if (user.asked !== undefined && now - user.asked >= -1 && now - user.asked < RULES.statusGap) return 'tooEarly'
    user.asked = now
    user.decided = request.bytes
    const newest = riskOf(user.lee, now, user.warned ?? -1)
    user.notified = newest === undefined ? 'none' : 'pending'
    user.warned = newest ?? user.warned
    return undefined
  }

  /** Divergence 13: the warning ends, exposures up to the test no longer count; the token serves once. */
  #reset(request: Request, user: User, at: number): string | undefined {
    const { number, testedAt, genuine } = request.test!
    const tested = this.epochAt(testedAt)
    const fresh = testedAt <= at && at - testedAt < RULES.contagiousDays * DAY
    if (!genuine || !fresh || tested < 0) return 'resetInvalid'
    if (user.notified === 'none' && user.warned === tested) return undefined
    if (!this.#spend(`test ${number}`, dayOf(testedAt))) return 'resetInvalid'
    user.notified = 'none'
    user.warned = tested
    return undefined
  }

  #answer({ kind, account, first }: Request, user: User, at: number): Answer {
    const now = this.epochAt(at)
    const lastDay = this.#firstOfDay(dayOf(at) + RULES.bundleDays)
    const end = this.#firstOfDay(dayOf(at) + RULES.bundleDays + 1)
    const from = Math.min(Math.max(first ?? 0, now), end)
    const most = { status: Math.min(96, end - lastDay), renew: Math.min(96, end - from) }
    const episode = kind === 'status' && user.notified === 'pending' ? user.warned : undefined
    return {
      kind,
      atRisk: episode !== undefined,
      day: episode === undefined ? 0 : this.dayOfEpoch(episode),
      replyId: kind === 'status' ? replyIdOf(account, episode) : NO_REPLY_ID,
      ...(kind === 'status'
        ? this.#list(lastDay, most.status)
        : kind === 'renew'
          ? this.#list(from, most.renew)
          : { first: now, count: 0 }),
    }
  }
}

/** Tenths of a minute: 1 from -63 dBm up, a half to -73, else nothing; what is unknown counts in full for one minute. */
function weightOf({ minutes, strength }: Item): number {
  const dbm = -(28 + 2 * strength)
  const share = strength === 0 || dbm >= -63 ? 10 : dbm >= -73 ? 5 : 0
  return share * (minutes === 0 ? 1 : Math.min(minutes, 5))
}

/** The newest exposure that puts a user at risk: by its definition, window by window. */
export function riskOf(lee: readonly Exposure[], now: number, after: number): number | undefined {
  const slots = new Map<number, number[]>()
  for (const { epoch, slot, weight } of lee) {
    if (weight === 0 || epoch <= after || now - epoch >= CT) continue
    const place = (epoch * EPOCH) / SLOT + slot
    slots.set(place, [...(slots.get(place) ?? []), weight])
  }
  let newest: number | undefined
  for (const last of slots.keys()) {
    const within = [...slots].filter(([place]) => place <= last && place > last - DAY / SLOT)
    const sum = within.reduce((total, [, weights]) => total + twoLargest(weights), 0)
    const epoch = Math.floor((last * SLOT) / EPOCH)
    const recent = now - epoch <= (RULES.riskNewestDays * DAY) / EPOCH
    if (sum >= 10 * RULES.riskMinutes && within.length >= RULES.riskSlots && recent)
      newest = Math.max(newest ?? 0, epoch)
  }
  return newest
}

const twoLargest = (weights: readonly number[]): number =>
  weights
    .toSorted((a, b) => b - a)
    .slice(0, 2)
    .reduce((sum, weight) => sum + weight, 0)
