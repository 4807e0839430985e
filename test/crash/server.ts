// One process of the back-end: `serve` by a clock that runs ahead between rounds, and with steps at which it dies.
// Argument: `ServerOptions` as JSON. Tells its address over the channel to its parent, and ends when that does.
import fs from 'node:fs'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { dayOfEpoch, type Epoch, epochAt, fromHex, toHex } from '@vicinity/protocol'
import { idOfBlock, openEbids, type PermanentId, riskOf } from '@vicinity/protocol/robert'
import { type Deps, jobsOf, openStore, type Store, serve, type Transaction } from '@vicinity/server'
import type { Account, Snapshot } from './check.ts'
import { SETTINGS, sharedClock } from './settings.ts'

export interface ServerOptions {
  readonly role: 'all' | 'front' | 'worker'
  readonly store: string
  readonly keys: string
  readonly audit: string
  readonly exports: string
  readonly clock: string
  /** What this back-end does wrong, so that a test sees that it is found. */
  readonly sabotage: Sabotage
}

/** Forgets one in so many uploads that it answers; or applies items twice. */
export type Sabotage = 'nothing' | 'forgets' | 'counts twice'
const FORGETS = 20

/** A step of a transaction, and how many of them from now on. */
export interface Death {
  readonly step: 'before a statement' | 'before a commit' | 'after a commit' | 'before a change of files'
  readonly times: number
}

const options = JSON.parse(process.argv[2]!) as ServerOptions
let death: Death | undefined

function reach(step: Death['step']): void {
  if (death?.step !== step) return
  death = { step, times: death.times - 1 }
  if (death.times <= 0) process.kill(process.pid, 'SIGKILL')
}

/** What keys, audit log and exports are written with. */
const CHANGES = ['writeSync', 'fsyncSync', 'linkSync', 'rmSync'] as const
const LATER_CHANGES = ['open', 'rename', 'rm'] as const

/** Whoever imported these calls the new ones from now on. */
function stepOnFiles(): void {
  const steps = <Call extends (...rest: never[]) => unknown>(call: Call): Call =>
    ((...rest: Parameters<Call>) => {
      reach('before a change of files')
      return call(...rest)
    }) as Call
  for (const name of CHANGES) Object.assign(fs, { [name]: steps(fs[name]) })
  for (const name of LATER_CHANGES) Object.assign(fs.promises, { [name]: steps(fs.promises[name]) })
  syncBuiltinESMExports()
}

/** Dies where it was told to, whatever the engine. */
function mortal(store: Store): Store {
  return {
    ...store,
    async transaction(run) {
      const result = await store.transaction(async (tx) => {
        const done = await run(stepping(tx))
        reach('before a commit')
        return done
      })
      reach('after a commit')
      return result
    },
  }
}

function stepping(tx: Transaction): Transaction {
  const wrong = SABOTAGES[options.sabotage](tx)
  return new Proxy(tx, {
    get: (target, name) => {
      reach('before a statement')
      return Reflect.get(wrong, name) ?? Reflect.get(target, name)
    },
  })
}

let queued = 0
const SABOTAGES: Readonly<Record<Sabotage, (tx: Transaction) => Partial<Transaction>>> = {
  nothing: () => ({}),
  forgets: (tx) => ({
    queueItem: async (...row) => {
      if (++queued % FORGETS > 0) await tx.queueItem(...row)
    },
  }),
  'counts twice': (tx) => ({
    async appendExposures(rows) {
      await tx.appendExposures(rows)
      await tx.appendExposures(rows)
    },
  }),
}

/** A phone by its first identifier. */
export interface Registered {
  readonly phone: string
  readonly first: number
  readonly ebid: string
}

export type Told = { readonly die: Death } | { readonly look: readonly Registered[] }
export type Said =
  | { readonly url: string; readonly publicKey: string }
  | { readonly seen: Pick<Snapshot, 'accounts' | 'queuedWindows'> }
  | { readonly failed: string }

function idOf(deps: Deps, { first, ebid }: Registered): PermanentId {
  const block = fromHex(ebid)
  openEbids(deps.robert.serverKeyOf(dayOfEpoch(deps.calendar, first as Epoch))!, block)
  return idOfBlock(block, 0)
}

/** What IDTable and the queue hold, as the flows read them. */
async function look(deps: Deps, phones: readonly Registered[]): Promise<Said> {
  const { calendar, robert, store } = deps
  const ids = new Map(phones.map((phone) => [idOf(deps, phone), phone.phone]))
  const { users, windows } = await store.transaction(async (tx) => ({
    users: await tx.usersOf([...ids.keys()]),
    windows: await tx.queuedWindows(),
  }))
  const epoch = epochAt(calendar, now())
  const accounts = [...users.values()].map(
    ({ id, status, exposedEpochs }): Account => ({
      phone: ids.get(id)!,
      notified: status.notified,
      lastStatusRequestEpoch: status.lastStatusRequestEpoch,
      exposures: toHex(exposedEpochs).match(/.{8}/g) ?? [],
      atRisk: riskOf(robert.riskFunction, exposedEpochs, epoch, -1, calendar, robert.parameters).atRisk,
    }),
  )
  return { seen: { accounts, queuedWindows: windows.length } }
}

process.on('disconnect', () => process.exit())
stepOnFiles()
const { now, monotonic } = sharedClock(options.clock)
const { role, store, keys, audit, exports } = options
const say = (said: Said): void => void process.send!(said)
const running = await serve({
  settings: SETTINGS,
  role,
  store,
  keys,
  audit,
  exports,
  host: '127.0.0.1',
  port: 0,
  threads: 0,
  clocks: { wall: now, monotonic },
  open: (url) => mortal(openStore(url)),
})
process.once('SIGTERM', () => void running.close().then(() => process.exit()))
process.on('message', (told: Told) => {
  if ('die' in told) death = told.die
  else look(running.deps, told.look).then(say, (error: Error) => say({ failed: error.message }))
})

/** Items are applied all the time, as by a back-end of many workers, and not only every five minutes. */
async function applyAlways(): Promise<never> {
  const apply = jobsOf(running.deps).find(({ name }) => name === 'process contacts')!
  for (;;) {
    await apply.run(running.deps, now()).catch(() => {})
    await pause(APPLY_MILLISECONDS)
  }
}

const APPLY_MILLISECONDS = 100
if (role !== 'front') void applyAlways()
// Who is killed writes it never.
flushCompileCache()
say({ url: running.url, publicKey: toHex(running.deps.keys.publicKey) })
