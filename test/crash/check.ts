// Judges what the clients saw against what the back-end holds once everything is healed. Pure: two lists in, violations out.
// I1, I2, I5 to I8 of the invariants; each rule is a function, and check.test.ts plants a violation of each.
import type { Call, Operation, OperationKind } from './history.ts'

/** What IDTable says of a phone. */
export interface Account {
  readonly phone: string
  readonly notified: 'none' | 'pending' | 'acknowledged'
  readonly lastStatusRequestEpoch: number | undefined
  /** LEE: packed exposures in hexadecimal digits. */
  readonly exposures: readonly string[]
  /** Whether LEE puts its user at risk. */
  readonly atRisk: boolean
}

/** The back-end at the end of a round, when all faults are over, every window is applied and every job has run. */
export interface Snapshot {
  readonly round: number
  readonly accounts: readonly Account[]
  /** Rows of IDTable, also those of accounts that no phone knows of. */
  readonly users: number
  /** Windows that still have items, and keys of windows that are over. */
  readonly queuedWindows: number
  readonly intakeKeys: number
  /** How often the exports list each key, as new and as revised. */
  readonly listed: Readonly<Record<string, number>>
  readonly revised: Readonly<Record<string, number>>
  /** What is wrong with the database as such, and with the audit logs. */
  readonly damage: readonly string[]
}

export interface Violation {
  readonly rule:
    | 'lost'
    | 'doubled'
    | 'account lost'
    | 'revived'
    | 'warning lost'
    | 'warned wrongly'
    | 'acknowledgement lost'
    | 'unserved'
    | 'went backwards'
    | 'not settled'
    | 'damaged'
  readonly about: string
}

export interface Rules {
  /** Least epochs between two status requests that are answered "0". */
  readonly statusGap: number
}

type CallOf<Kind extends OperationKind> = Call & { readonly operation: Extract<Operation, { readonly kind: Kind }> }

const ofKind = <Kind extends OperationKind>(calls: readonly Call[], kind: Kind): CallOf<Kind>[] =>
  calls.filter((call): call is CallOf<Kind> => call.operation.kind === kind)

/** Everything that the last snapshot, and the way there, contradict. */
export function check(calls: readonly Call[], snapshots: readonly Snapshot[], rules: Rules): Violation[] {
  const last = snapshots.at(-1)
  if (last === undefined) return []
  const known = calls.filter(({ round }) => round <= last.round)
  const phones = phonesOf(known)
  return [
    ...checkSettled(last),
    ...checkUsers(known, phones, last),
    ...[...phones.values()].flatMap((phone) => [
      ...checkItems(phone, last),
      ...checkAnswers(phone, snapshots, rules),
      ...checkStatus(phone, snapshots),
    ]),
    ...checkPublished(ofKind(known, 'publish'), last.listed, 'key'),
    ...checkPublished(ofKind(known, 'revise'), last.revised, 'revision of key'),
  ]
}

interface PhoneCalls {
  readonly name: string
  /** `either`: its leave was never answered. */
  readonly life: 'there' | 'gone' | 'either'
  readonly uploads: readonly CallOf<'upload'>[]
  /** Its requests in their order. A phone has one at a time. */
  readonly requests: readonly CallOf<'status' | 'acknowledge' | 'unregister'>[]
}

/** The phones whose registration was answered. */
function phonesOf(calls: readonly Call[]): ReadonlyMap<string, PhoneCalls> {
  const phones = new Map<string, PhoneCalls>()
  for (const { operation, outcome } of ofKind(calls, 'register')) {
    if (outcome !== 'ok') continue
    const name = operation.phone
    const own = calls.filter(({ operation: other }) => 'phone' in other && other.phone === name)
    const requests = own.filter((call): call is CallOf<'status' | 'acknowledge' | 'unregister'> =>
      ['status', 'acknowledge', 'unregister'].includes(call.operation.kind),
    )
    const leaves = ofKind(own, 'unregister')
    const gone = leaves.some((call) => call.outcome === 'ok' && call.answer.served === true)
    const life = gone ? 'gone' : leaves.length > 0 ? 'either' : 'there'
    phones.set(name, { name, life, uploads: ofKind(own, 'upload'), requests })
  }
  return phones
}

function checkSettled({ queuedWindows, intakeKeys, damage }: Snapshot): Violation[] {
  return [
    ...(queuedWindows > 0
      ? [{ rule: 'not settled', about: `${queuedWindows} windows still have items` } as const]
      : []),
    ...(intakeKeys > 0
      ? [{ rule: 'not settled', about: `${intakeKeys} intake keys of windows that are over` } as const]
      : []),
    ...damage.map((about) => ({ rule: 'damaged', about }) as const),
  ]
}

function checkUsers(calls: readonly Call[], phones: ReadonlyMap<string, PhoneCalls>, last: Snapshot): Violation[] {
  const lives = [...phones.values()].map(({ life }) => life)
  const least = lives.filter((life) => life === 'there').length
  const unknown = ofKind(calls, 'register').filter(({ outcome }) => outcome === 'unknown').length
  const most = lives.filter((life) => life !== 'gone').length + unknown
  const about = `${last.users} accounts, where there must be ${least} to ${most}`
  if (last.users < least) return [{ rule: 'account lost', about }]
  return last.users > most ? [{ rule: 'revived', about }] : []
}

/** I1 and I2, and I8 of who left: an answered item is there once for each answer, an unanswered one at most so often more. */
function checkItems({ name, life, uploads }: PhoneCalls, last: Snapshot): Violation[] {
  const account = last.accounts.find(({ phone }) => phone === name)
  if (account === undefined) return life === 'there' ? [{ rule: 'account lost', about: name }] : []
  if (life === 'gone') return [{ rule: 'revived', about: name }]
  const counted = countsOf(account.exposures)
  const cells = new Set([...counted.keys(), ...uploads.map(({ operation }) => operation.cell)])
  return [...cells].flatMap((cell): Violation[] => {
    const good = uploads.filter(
      ({ operation, outcome }) => operation.cell === cell && operation.counts && outcome !== 'fail',
    )
    const answered = good.filter(({ outcome }) => outcome === 'ok').length
    const there = counted.get(cell) ?? 0
    const about = `${there} times ${cell} of ${name}: ${answered} answered, ${good.length - answered} unknown`
    if (there < answered) return [{ rule: 'lost', about }]
    return there > good.length ? [{ rule: 'doubled', about }] : []
  })
}

function countsOf(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** I5 to I7 as a phone sees them: "1" until it was acknowledged, then never again; "0" not twice within T; no answer after leaving. */
function checkAnswers({ name, requests }: PhoneCalls, snapshots: readonly Snapshot[], rules: Rules): Violation[] {
  const found: Violation[] = []
  const say = (rule: Violation['rule'], { number }: Call, why: string) =>
    void found.push({ rule, about: `${name}, call ${number}: ${why}` })
  for (const [k, call] of requests.entries()) {
    if (call.outcome !== 'ok') continue
    const before = requests.slice(0, k)
    const left = ofKind(before, 'unregister')
    const hasLeft = left.some(({ outcome, answer }) => outcome === 'ok' && answer.served === true)
    if (hasLeft && call.answer.served === true) say('revived', call, 'served after it had left')
    if (left.length > 0) continue
    if (call.operation.kind === 'acknowledge' && call.answer.served !== true) say('unserved', call, 'acknowledgement')
    if (call.operation.kind !== 'status') continue
    const status = call as CallOf<'status'>
    for (const [rule, why] of faultsOfStatus(status, before, wasAtRisk(name, call, snapshots), rules))
      say(rule, call, why)
  }
  return found
}

/** Whether the phone was at risk, and not told, when the round of a call began. */
function wasAtRisk(name: string, { round }: Call, snapshots: readonly Snapshot[]): boolean {
  const before = snapshots.find((snapshot) => snapshot.round === round - 1)
  const account = before?.accounts.find(({ phone }) => phone === name)
  return account?.atRisk === true && account.notified === 'none'
}

function* faultsOfStatus(
  { operation, answer }: CallOf<'status'>,
  before: readonly Call[],
  wasAtRisk: boolean,
  { statusGap }: Rules,
): Generator<[Violation['rule'], string]> {
  const acknowledged = ofKind(before, 'acknowledge')
  const statuses = ofKind(before, 'status')
  const warned = statuses.findLast(({ outcome, answer: earlier }) => outcome === 'ok' && earlier.atRisk === true)
  if (answer.served === true && answer.atRisk === true) {
    if (acknowledged.some(({ outcome, answer: given }) => outcome === 'ok' && given.served === true)) {
      yield ['acknowledgement lost', '"1" after its acknowledgement was answered']
    }
    if (warned !== undefined && warned.answer.reply !== answer.reply) yield ['warning lost', '"1" of another episode']
    return
  }
  if (warned !== undefined && acknowledged.length === 0) yield ['warning lost', '"1" was not repeated']
  if (answer.served !== true) {
    const last = (call: CallOf<'status'>) => call.answer.epoch ?? call.operation.epoch + 1
    const mayBeEarly = statuses.some((call) => operation.epoch - last(call) < statusGap)
    if (!mayBeEarly && acknowledged.length === 0) yield ['unserved', 'a status request that was due']
    return
  }
  if (wasAtRisk && acknowledged.length === 0) yield ['warning lost', '"0" although at risk']
  const early = statuses.find(
    (call) =>
      call.outcome === 'ok' &&
      call.answer.served &&
      call.operation.tag !== operation.tag &&
      answer.epoch! - call.operation.epoch < statusGap,
  )
  if (early !== undefined) yield ['went backwards', `"0" within T of call ${early.number}`]
}

const STAGES = ['none', 'pending', 'acknowledged'] as const

/** I6 and I7 as the store has them. */
function checkStatus({ name, requests }: PhoneCalls, snapshots: readonly Snapshot[]): Violation[] {
  const seen = snapshots.flatMap(({ accounts }) => accounts.filter(({ phone }) => phone === name))
  const now = seen.at(-1)
  if (now === undefined || now !== snapshots.at(-1)?.accounts.find(({ phone }) => phone === name)) return []
  const found: Violation[] = []
  const say = (rule: Violation['rule'], about: string) => void found.push({ rule, about: `${name}: ${about}` })
  const stages = seen.map(({ notified }) => STAGES.indexOf(notified))
  if (stages.some((stage, k) => k > 0 && stage < stages[k - 1]!)) say('went backwards', 'UN')
  const served = requests.filter(({ outcome, answer }) => outcome === 'ok' && answer.served === true)
  const asked = ofKind(served, 'status').filter(({ answer }) => answer.atRisk === false)
  const marks = seen.map(({ lastStatusRequestEpoch }) => lastStatusRequestEpoch ?? -1)
  const backwards = marks.some((mark, k) => k > 0 && mark < marks[k - 1]!)
  if (backwards || asked.some(({ operation }) => operation.epoch > marks.at(-1)!)) say('went backwards', 'SRE')
  const warned = ofKind(served, 'status').some(({ answer }) => answer.atRisk === true)
  if (warned && now.notified === 'none') say('warning lost', 'UN is 0 after "1" was answered')
  if (now.notified !== 'none' && !now.atRisk) say('warned wrongly', 'nothing in LEE warrants it')
  const acknowledgements = ofKind(requests, 'acknowledge')
  if (ofKind(served, 'acknowledge').length > 0 && now.notified !== 'acknowledged') say('acknowledgement lost', 'in UN')
  if (acknowledgements.length === 0 && now.notified === 'acknowledged') say('warning lost', 'acknowledged by nobody')
  return found
}

/** Keys of a publication are listed once and together; of one without an answer all or none. What nobody published is not listed. */
function checkPublished(
  calls: readonly CallOf<'publish' | 'revise'>[],
  listed: Readonly<Record<string, number>>,
  what: string,
): Violation[] {
  const expected = new Set(calls.flatMap(({ operation }) => operation.keys))
  const invented = Object.keys(listed).filter((key) => !expected.has(key))
  const found: Violation[] = invented.map((key) => ({ rule: 'doubled', about: `${what} ${key} of nobody` }))
  for (const { number, operation, outcome } of calls) {
    const times = operation.keys.map((key) => listed[key] ?? 0)
    const about = `${what} of call ${number} (${outcome}): listed ${times.join(', ')} times`
    if (times.some((count) => count > (outcome === 'fail' ? 0 : 1))) found.push({ rule: 'doubled', about })
    const mixed = times.some((count) => count !== times[0])
    if (mixed || (outcome === 'ok' && times.includes(0))) found.push({ rule: 'lost', about })
  }
  return found
}
