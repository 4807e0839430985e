// The checker finds what it is there to find: a history without a fault passes, and each violation that is planted in it is named.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Account, check, type Snapshot, type Violation } from './check.ts'
import { type Answer, type Call, type Operation, readCalls } from './history.ts'

const RULES = { statusGap: 4 }
const CELL = '00000a32'
const OTHER_CELL = '00000a72'
const KEYS = ['aa', 'bb']

type Outcome = Call['outcome']

/** Calls of round 0, unless another is named, in order. */
function history(
  ...entries: (readonly [operation: Operation, outcome: Outcome, answer?: Answer, round?: number])[]
): Call[] {
  return entries.map(([operation, outcome, answer = {}, round = 0], k) => ({
    number: k + 1,
    round,
    operation,
    outcome,
    answer,
    sent: 1,
  }))
}

const account = (changes: Partial<Account> = {}): Account => ({
  phone: 'a',
  notified: 'none',
  lastStatusRequestEpoch: undefined,
  exposures: [],
  atRisk: false,
  ...changes,
})

const snapshot = (changes: Partial<Snapshot> = {}): Snapshot => ({
  round: 0,
  accounts: [account()],
  users: 1,
  queuedWindows: 0,
  intakeKeys: 0,
  listed: {},
  revised: {},
  damage: [],
  ...changes,
})

const holding = (...exposures: string[]): Snapshot => snapshot({ accounts: [account({ exposures })] })

const REGISTER: Operation = { kind: 'register', phone: 'a' }
const UPLOAD: Operation = { kind: 'upload', phone: 'a', cell: CELL, counts: true }
const LEAVE: Operation = { kind: 'unregister', phone: 'a' }
const ACKNOWLEDGE: Operation = { kind: 'acknowledge', phone: 'a', reply: '01' }
const PUBLISH: Operation = { kind: 'publish', keys: KEYS }
const statusAt = (epoch: number, tag = String(epoch)): Operation => ({ kind: 'status', phone: 'a', epoch, tag })
const ZERO = (epoch: number): Answer => ({ served: true, atRisk: false, reply: '00', epoch })
const ONE: Answer = { served: true, atRisk: true, reply: '01', epoch: 10 }
const REFUSED: Answer = { served: false, epoch: 10 }
const WARNED = account({ notified: 'pending', atRisk: true, lastStatusRequestEpoch: 10 })
const OVER = account({ ...WARNED, notified: 'acknowledged' })

const rulesOf = (violations: readonly Violation[]): string[] => [...new Set(violations.map(({ rule }) => rule))].sort()

interface Case {
  readonly what: string
  readonly calls: Call[]
  readonly snapshots: readonly Snapshot[]
  readonly rules: readonly Violation['rule'][]
}

const accounts = (...list: Account[]): Partial<Snapshot> => ({ accounts: list, users: list.length })

const SOUND: readonly Case[] = [
  { what: 'nothing', calls: [], snapshots: [snapshot({ accounts: [], users: 0 })], rules: [] },
  { what: 'an answered item', calls: history([REGISTER, 'ok'], [UPLOAD, 'ok']), snapshots: [holding(CELL)], rules: [] },
  {
    what: 'an unknown item that counts',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'unknown']),
    snapshots: [holding(CELL)],
    rules: [],
  },
  {
    what: 'an unknown item that does not',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'unknown']),
    snapshots: [holding()],
    rules: [],
  },
  {
    what: 'the same bytes of two patients',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'ok'], [UPLOAD, 'ok']),
    snapshots: [holding(CELL, CELL)],
    rules: [],
  },
  {
    what: 'a forged item that is answered and counts for nobody',
    calls: history([REGISTER, 'ok'], [{ ...UPLOAD, counts: false }, 'ok']),
    snapshots: [holding()],
    rules: [],
  },
  {
    what: 'an account that nobody got to know of',
    calls: history([REGISTER, 'unknown'], [REGISTER, 'ok']),
    snapshots: [snapshot({ users: 2 })],
    rules: [],
  },
  {
    what: 'a phone that left, with an item for it on the way',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'ok'], [LEAVE, 'ok', { served: true }], [statusAt(10), 'ok', REFUSED]),
    snapshots: [snapshot(accounts())],
    rules: [],
  },
  {
    what: 'a leave without an answer',
    calls: history([REGISTER, 'ok'], [LEAVE, 'unknown']),
    snapshots: [snapshot(accounts())],
    rules: [],
  },
  {
    what: '"1", again "1", and its acknowledgement',
    calls: history(
      [REGISTER, 'ok'],
      [statusAt(10), 'ok', ONE],
      [statusAt(10, 'b'), 'ok', ONE],
      [ACKNOWLEDGE, 'ok', { served: true }],
      [statusAt(10, 'c'), 'ok', REFUSED],
    ),
    snapshots: [snapshot(accounts(OVER))],
    rules: [],
  },
  {
    what: '"0", and a refusal of who asks too early',
    calls: history(
      [REGISTER, 'ok'],
      [statusAt(10), 'ok', ZERO(10)],
      [statusAt(12), 'ok', REFUSED],
      [statusAt(14), 'ok', ZERO(14)],
    ),
    snapshots: [snapshot(accounts(account({ lastStatusRequestEpoch: 14 })))],
    rules: [],
  },
  {
    what: 'the same request twice with the same answer',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ZERO(10)], [statusAt(10), 'ok', ZERO(10)]),
    snapshots: [snapshot(accounts(account({ lastStatusRequestEpoch: 10 })))],
    rules: [],
  },
  {
    what: 'published keys',
    calls: history([PUBLISH, 'ok']),
    snapshots: [snapshot({ ...accounts(), listed: { aa: 1, bb: 1 } })],
    rules: [],
  },
  {
    what: 'keys of an unknown publication',
    calls: history([PUBLISH, 'unknown']),
    snapshots: [snapshot(accounts())],
    rules: [],
  },
]

const PLANTED: readonly Case[] = [
  { what: 'a lost item', calls: history([REGISTER, 'ok'], [UPLOAD, 'ok']), snapshots: [holding()], rules: ['lost'] },
  {
    what: 'a doubled item',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'ok']),
    snapshots: [holding(CELL, CELL)],
    rules: ['doubled'],
  },
  {
    what: 'an unknown item twice',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'unknown']),
    snapshots: [holding(CELL, CELL)],
    rules: ['doubled'],
  },
  {
    what: 'one item for another',
    calls: history([REGISTER, 'ok'], [UPLOAD, 'ok']),
    snapshots: [holding(OTHER_CELL)],
    rules: ['doubled', 'lost'],
  },
  {
    what: 'a forged item that counts',
    calls: history([REGISTER, 'ok'], [{ ...UPLOAD, counts: false }, 'ok']),
    snapshots: [holding(CELL)],
    rules: ['doubled'],
  },
  {
    what: 'a lost account',
    calls: history([REGISTER, 'ok']),
    snapshots: [snapshot(accounts())],
    rules: ['account lost'],
  },
  {
    what: 'an account of nobody',
    calls: history([REGISTER, 'ok']),
    snapshots: [snapshot({ users: 2 })],
    rules: ['revived'],
  },
  {
    what: 'a revived account',
    calls: history([REGISTER, 'ok'], [LEAVE, 'ok', { served: true }]),
    snapshots: [snapshot({ users: 0 })],
    rules: ['revived'],
  },
  {
    what: 'an answer after leaving',
    calls: history([REGISTER, 'ok'], [LEAVE, 'ok', { served: true }], [statusAt(10), 'ok', ZERO(10)]),
    snapshots: [snapshot(accounts())],
    rules: ['revived'],
  },
  {
    what: '"1" that is not repeated',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE], [statusAt(10, 'b'), 'ok', REFUSED]),
    snapshots: [snapshot(accounts(WARNED))],
    rules: ['warning lost'],
  },
  {
    what: '"1" of another episode',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE], [statusAt(10, 'b'), 'ok', { ...ONE, reply: '02' }]),
    snapshots: [snapshot(accounts(WARNED))],
    rules: ['warning lost'],
  },
  {
    what: '"1" that the store has forgotten',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE]),
    snapshots: [snapshot(accounts({ ...WARNED, notified: 'none' }))],
    rules: ['warning lost'],
  },
  {
    what: '"0" for somebody at risk',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ZERO(10), 1]),
    snapshots: [
      snapshot(accounts(account({ atRisk: true }))),
      snapshot({ round: 1, ...accounts(account({ atRisk: true, lastStatusRequestEpoch: 10 })) }),
    ],
    rules: ['warning lost'],
  },
  {
    what: 'a warning without a reason',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE]),
    snapshots: [snapshot(accounts({ ...WARNED, atRisk: false }))],
    rules: ['warned wrongly'],
  },
  {
    what: 'an acknowledgement that is lost in the store',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE], [ACKNOWLEDGE, 'ok', { served: true }]),
    snapshots: [snapshot(accounts(WARNED))],
    rules: ['acknowledgement lost'],
  },
  {
    what: '"1" after its acknowledgement',
    calls: history(
      [REGISTER, 'ok'],
      [statusAt(10), 'ok', ONE],
      [ACKNOWLEDGE, 'ok', { served: true }],
      [statusAt(10, 'b'), 'ok', ONE],
    ),
    snapshots: [snapshot(accounts(OVER))],
    rules: ['acknowledgement lost'],
  },
  {
    what: 'an acknowledgement by nobody',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE]),
    snapshots: [snapshot(accounts(OVER))],
    rules: ['warning lost'],
  },
  {
    what: 'an acknowledgement that is not served',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ONE], [ACKNOWLEDGE, 'ok', REFUSED]),
    snapshots: [snapshot(accounts(WARNED))],
    rules: ['unserved'],
  },
  {
    what: 'a due request that is not served',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', REFUSED]),
    snapshots: [snapshot()],
    rules: ['unserved'],
  },
  {
    what: '"0" twice within T: SRE was lost',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ZERO(10)], [statusAt(13), 'ok', ZERO(13)]),
    snapshots: [snapshot(accounts(account({ lastStatusRequestEpoch: 13 })))],
    rules: ['went backwards'],
  },
  {
    what: 'SRE before a request that was answered',
    calls: history([REGISTER, 'ok'], [statusAt(10), 'ok', ZERO(10)]),
    snapshots: [snapshot(accounts(account({ lastStatusRequestEpoch: 9 })))],
    rules: ['went backwards'],
  },
  {
    what: 'a decreased SRE',
    calls: history([REGISTER, 'ok']),
    snapshots: [
      snapshot(accounts(account({ lastStatusRequestEpoch: 10 }))),
      snapshot({ round: 1, ...accounts(account({ lastStatusRequestEpoch: 9 })) }),
    ],
    rules: ['went backwards'],
  },
  {
    what: 'a UN that is taken back',
    calls: history([REGISTER, 'ok'], [ACKNOWLEDGE, 'unknown']),
    snapshots: [snapshot(accounts(OVER)), snapshot({ round: 1, ...accounts(WARNED) })],
    rules: ['went backwards'],
  },
  {
    what: 'a published key that no export lists',
    calls: history([PUBLISH, 'ok']),
    snapshots: [snapshot(accounts())],
    rules: ['lost'],
  },
  {
    what: 'a published key that two exports list',
    calls: history([PUBLISH, 'ok']),
    snapshots: [snapshot({ ...accounts(), listed: { aa: 2, bb: 2 } })],
    rules: ['doubled'],
  },
  {
    what: 'half of an unknown publication',
    calls: history([PUBLISH, 'unknown']),
    snapshots: [snapshot({ ...accounts(), listed: { aa: 1 } })],
    rules: ['lost'],
  },
  {
    what: 'a refused publication that is listed',
    calls: history([PUBLISH, 'fail']),
    snapshots: [snapshot({ ...accounts(), listed: { aa: 1, bb: 1 } })],
    rules: ['doubled'],
  },
  {
    what: 'a key of nobody',
    calls: [],
    snapshots: [snapshot({ ...accounts(), listed: { cc: 1 } })],
    rules: ['doubled'],
  },
  {
    what: 'a revision that no export lists',
    calls: history([{ kind: 'revise', keys: KEYS }, 'ok']),
    snapshots: [snapshot(accounts())],
    rules: ['lost'],
  },
  {
    what: 'a window that is not applied',
    calls: [],
    snapshots: [snapshot({ ...accounts(), queuedWindows: 1 })],
    rules: ['not settled'],
  },
  {
    what: 'an intake key that is left',
    calls: [],
    snapshots: [snapshot({ ...accounts(), intakeKeys: 1 })],
    rules: ['not settled'],
  },
  {
    what: 'an audit log that does not verify',
    calls: [],
    snapshots: [snapshot({ ...accounts(), damage: ['x'] })],
    rules: ['damaged'],
  },
]

test('the checker of crashes passes what may happen', () => {
  for (const { what, calls, snapshots } of SOUND) assert.deepEqual(check(calls, snapshots, RULES), [], what)
})

test('the checker of crashes finds each violation that is planted, and names it', () => {
  for (const { what, calls, snapshots, rules } of PLANTED) {
    assert.deepEqual(rulesOf(check(calls, snapshots, RULES)), rules, what)
  }
})

test('a history that was cut off leaves its last call unknown', () => {
  const lines = [
    { step: 'invoke', call: 1, round: 0, operation: UPLOAD },
    { step: 'sent', call: 1 },
    { step: 'sent', call: 1 },
    { step: 'ok', call: 1, answer: {} },
    { step: 'invoke', call: 2, round: 0, operation: LEAVE },
  ]
  const calls = readCalls(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  assert.deepEqual(
    calls.map(({ outcome, sent }) => [outcome, sent]),
    [
      ['ok', 2],
      ['unknown', 0],
    ],
  )
})
