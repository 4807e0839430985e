// The flows of a back-end on SQLite in memory, without HTTP, each against the bare calls of node:crypto or node:sqlite that it cannot
// do without: a measure of the machine, so that the ratio says what the flow adds wherever it runs.
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createECDH, createHmac, randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { dayOf, later, type UnixSeconds } from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import { CODE, solveChallenge } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, makeDeps, memoryKeys, openStore } from '@vicinity/server'
import { authenticatedRequests } from '../packages/server/src/flows/authenticated-requests.ts'
import { challenge } from '../packages/server/src/flows/challenge.ts'
import { placeOfWindow, windowAt } from '../packages/server/src/flows/pool.ts'
import { processContacts } from '../packages/server/src/flows/process-contacts.ts'
import { register } from '../packages/server/src/flows/register.ts'
import { keepServerKeys } from '../packages/server/src/flows/server-keys.ts'
import { upload } from '../packages/server/src/flows/upload.ts'
import {
  type BackEnd,
  callOf,
  itemOf,
  NOON,
  type Phone,
  parametersOf,
  registerPhone,
  requestOf,
  SERVICE_START,
  withToken,
} from '../packages/server/test/fixture.ts'
import type { Bench, Group } from './group.ts'
import { eachAgainst, type Work } from './measure.ts'

const PHONES = 500
/** Operations of a slice, and slices. */
const FEW = 10
const SLICES = 100
const QUEUE = 8192
const QUEUES = 8

type Run = () => Promise<void>

async function backEndInMemory(): Promise<BackEnd> {
  const settings = { ...DEFAULT_SETTINGS, serviceStart: SERVICE_START, parameters: parametersOf() }
  const store = openStore('sqlite::memory:')
  const deps = makeDeps({ store, keyFiles: memoryKeys(), random: randomBytes, settings })
  await keepServerKeys(deps, NOON)
  const clock = { now: NOON }
  const call = callOf(deps, () => clock.now)
  const made: BackEnd = { deps, clock, path: '', statements: [], call, asAuthority: call, with: () => made }
  return made
}

async function inSlices<Input>(
  count: number,
  make: (n: number) => Promise<Input>,
  run: (input: Input) => Promise<void>,
) {
  const inputs: Input[] = []
  for (let n = 0; n < count; n++) inputs.push(await make(n))
  return Array.from(
    { length: count / FEW },
    (_, slice): Run =>
      async () => {
        for (const input of inputs.slice(FEW * slice, FEW * (slice + 1))) await run(input)
      },
  )
}

/** From the solved puzzle on; solving is the phone's work. */
async function registrations({ deps }: BackEnd): Promise<readonly Run[]> {
  const make = async () => {
    const publicKey = publicPoint(drawPrivateKey(randomBytes))
    const given = await challenge(deps, { publicKey }, NOON)
    return { publicKey, challenge: given.challenge, solution: solveChallenge(given.challenge) }
  }
  return inSlices(FEW * SLICES, make, async (input) => {
    assert.ok((await register(deps, input, NOON)).list.length > 0)
  })
}

/** Every phone asks, then again after as long as it must wait. */
async function statusRequests(server: BackEnd, phones: readonly Phone[]): Promise<readonly Run[]> {
  const { deps } = server
  const gap = deps.robert.parameters.statusGap * deps.calendar.epochDuration
  const make = async (n: number) => {
    const at = later(NOON, gap * Math.floor(n / PHONES))
    return { at, request: requestOf(server, phones[n % PHONES]!, CODE.status, { at }) }
  }
  return inSlices(FEW * SLICES, make, async ({ at, request }) => {
    const before = deps.counts.get('request.status') ?? 0
    await authenticatedRequests(deps, [request], at)
    assert.equal(deps.counts.get('request.status'), before + 1)
  })
}

async function uploads(server: BackEnd, phones: readonly Phone[]): Promise<readonly Run[]> {
  const { deps } = server
  const make = async (n: number) =>
    withToken(server, itemOf(server, phones[n % PHONES]!, NOON), dayOf(NOON), randomBytes(32))
  return inSlices(FEW * SLICES, make, async (input) => {
    const before = deps.counts.get('upload.queued') ?? 0
    await upload(deps, input, NOON)
    assert.equal(deps.counts.get('upload.queued'), before + 1)
  })
}

/** Queues of windows that are due one after the other, of items that all count. */
async function queues(server: BackEnd, phones: readonly Phone[]): Promise<readonly Run[]> {
  const { deps } = server
  const { parameters } = deps.robert
  // So that no item is of the future when the first window is due.
  const first = windowAt(parameters, NOON) + 1
  const items = Array.from({ length: QUEUE }, (_, n) =>
    itemOf(server, phones[n % PHONES]!, later(NOON, Math.floor((parameters.poolWindow * n) / QUEUE))),
  )
  const runs: Run[] = []
  for (let window = first; window < first + QUEUES; window++) {
    const [key, place] = [deps.keys.intakeKey(window), placeOfWindow(window)]
    await deps.store.transaction(async (tx) => {
      for (const item of items) await tx.queueItem(window, randomBytes(16), deps.keys.seal(key, place, item))
    })
    runs.push(async () => {
      await processContacts(deps, (parameters.poolWindow * (window + 1)) as UnixSeconds)
      assert.equal(deps.counts.get('item.accepted'), QUEUE * (window + 1 - first))
    })
  }
  return runs
}

const KEY = Buffer.alloc(32, 1)
const IV = Buffer.alloc(12, 2)

function seal(bytes: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', KEY, IV)
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function open(sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', KEY, IV).setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}

function agreement(): Work {
  const [ours, theirs] = [createECDH('prime256v1'), createECDH('prime256v1')]
  ours.generateKeys()
  const point = theirs.generateKeys()
  const run = () => {
    ours.computeSecret(point)
    seal(KEY)
    seal(KEY)
  }
  return { operations: 1, run }
}

function reply(): Work {
  const [list, answer] = [Buffer.alloc(16 * 96), Buffer.alloc(894)]
  const cipher = createCipheriv('aes-256-ecb', KEY, null).setAutoPadding(false)
  const run = () => {
    createHmac('sha256', KEY).update(IV).digest()
    cipher.update(list)
    seal(answer)
  }
  return { operations: 1, run }
}

function insertion(): Work {
  const database = new DatabaseSync(':memory:')
  database.exec('create table item (id blob primary key, sealed blob) without rowid')
  const insert = database.prepare('insert into item values (?, ?)')
  const sealed = new Uint8Array(49)
  const run = () => {
    database.exec('begin immediate')
    insert.run(randomBytes(16), sealed)
    database.exec('commit')
  }
  return { operations: 1, run }
}

function opening(): Work {
  const sealed = seal(Buffer.alloc(21))
  const run = () => {
    open(sealed)
    createHmac('sha256', KEY).update(IV).digest()
  }
  return { operations: 1, run }
}

interface Flow {
  readonly name: string
  readonly runs: (server: BackEnd, phones: readonly Phone[]) => Promise<readonly Run[]>
  /** Operations of a run. */
  readonly operations: number
  readonly versus: string
  readonly yardstick: () => Work
}

const FLOWS: readonly Flow[] = [
  {
    name: 'register',
    runs: registrations,
    operations: FEW,
    versus: 'ECDH, 2 seals: node:crypto',
    yardstick: agreement,
  },
  {
    name: 'status request',
    runs: statusRequests,
    operations: FEW,
    versus: 'HMAC, AES, seal: node:crypto',
    yardstick: reply,
  },
  { name: 'upload', runs: uploads, operations: FEW, versus: 'insert, commit: node:sqlite', yardstick: insertion },
  { name: 'process contacts', runs: queues, operations: QUEUE, versus: 'open, HMAC: node:crypto', yardstick: opening },
]

async function compareFlows(bench: Bench): Promise<void> {
  for (const { name, runs, operations, versus, yardstick } of FLOWS) {
    await bench.compare(name, versus, async () => {
      const server = await backEndInMemory()
      const phones: Phone[] = []
      for (let n = 0; n < PHONES; n++) phones.push(await registerPhone(server, `${n}`))
      const times = await eachAgainst(await runs(server, phones), operations, yardstick())
      await server.deps.store.close()
      return times
    })
  }
}

export const flows: Group = { name: 'flows', results: FLOWS.map(({ name }) => name), run: compareFlows }
