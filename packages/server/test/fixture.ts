// A back-end on a database in a temporary directory, and phones made with the real cryptography of the client's side.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import {
  api,
  ascii,
  type Call,
  concat,
  dayOf,
  dayOfEpoch,
  type Epoch,
  epochAt,
  finishToken,
  issuerDayKey,
  later,
  ntpOf,
  type Random,
  requestToken,
  respondToken,
  type UnixSeconds,
  type UtcDay,
  Writer,
} from '@vicinity/protocol'
import { drawPrivateKey, publicPoint, sha256 } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  buildHello,
  buildRequest,
  CODE,
  type IdentifierList,
  idOfBlock,
  openEbids,
  openFrom,
  openReply,
  type Parameters,
  type PermanentId,
  packExposure,
  packItem,
  packSignal,
  type Reply,
  renewPayload,
  type SharedKeys,
  SIZE,
  SPEC,
  solveChallenge,
  unpackList,
  withParameters,
} from '@vicinity/protocol/robert'
import type { AuditLog } from '../src/audit/log.ts'
import { DEFAULT_SETTINGS, type Deps, makeDeps, type Settings } from '../src/deps.ts'
import { dispatch } from '../src/dispatch.ts'
import { authenticatedRequests } from '../src/flows/authenticated-requests.ts'
import { keepServerKeys } from '../src/flows/server-keys.ts'
import { type KeyFiles, memoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'

export const unix = (utc: string): UnixSeconds => (Date.parse(utc) / 1000) as UnixSeconds
export const SERVICE_START = unix('2026-03-01T00:00:00Z')
/** When a back-end of a test starts, unless said otherwise. */
export const NOON = unix('2026-03-20T12:00:00Z')
export const TODAY = dayOf(NOON)
export const AUTHORITY_TOKEN = 'token of the authority'
export const AUTHORITY = `Bearer ${AUTHORITY_TOKEN}`
export const EPOCH_SECONDS = 900

/** Random bytes that a name fixes: SHA-256 of the name and a counter. */
export function randomOf(name: string): Random {
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      sha256(concat(ascii(name), new Writer(6).uint(6, counter++).bytes)),
    )
    return concat(...blocks).subarray(0, length)
  }
}

/** A directory that is gone after the test. */
export function temporaryDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export interface BackEndOptions {
  /** Default: a file, whose path is `path`. */
  readonly store?: string
  readonly at?: UnixSeconds
  readonly parameters?: Partial<Parameters>
  readonly settings?: Partial<Settings>
  readonly keyFiles?: KeyFiles
  readonly audit?: AuditLog
  readonly random?: Random
  /** Whether server keys exist; else none was made yet. */
  readonly serverKeys?: boolean
}

export interface BackEnd {
  readonly deps: Deps
  /** What its clock says. */
  readonly clock: { now: UnixSeconds }
  readonly path: string
  /** Names of the statements that ran. */
  readonly statements: string[]
  /** The bytes of a caller of the endpoint table, without a network between. */
  readonly call: Call
  readonly asAuthority: Call
  /** The same database and keys with other parameters. */
  readonly with: (parameters: Partial<Parameters>) => BackEnd
}

/** The parameters of tests: no proof of work, few tokens. */
export const parametersOf = (chosen: Partial<Parameters> = {}): Parameters =>
  withParameters({ proofOfWork: 0, tokensPerDay: 4, tokenChunk: 2, ...chosen })

export async function backEnd(t: TestContext, options: BackEndOptions = {}): Promise<BackEnd> {
  const path = join(temporaryDirectory(t), 'database')
  const statements: string[] = []
  const store = openStore(options.store ?? `sqlite:${path}?synchronous=normal`, {
    onStatement: (name) => statements.push(name),
  })
  t.after(() => store.close().catch(() => {}))
  const keyFiles = options.keyFiles ?? memoryKeys()
  const random = options.random ?? randomOf('back-end')
  const clock = { now: options.at ?? NOON }
  const make = (parameters: Partial<Parameters> | undefined): BackEnd => {
    const settings: Settings = {
      ...DEFAULT_SETTINGS,
      serviceStart: SERVICE_START,
      authorityToken: AUTHORITY_TOKEN,
      ...options.settings,
      parameters: parametersOf(parameters),
    }
    const deps = makeDeps({ store, keyFiles, random, settings, ...(options.audit && { audit: options.audit }) })
    const way = (authorization?: string): Call => callOf(deps, () => clock.now, authorization)
    return { deps, clock, path, statements, call: way(), asAuthority: way(AUTHORITY), with: make }
  }
  const made = make(options.parameters)
  if (options.serverKeys !== false) await keepServerKeys(made.deps, clock.now)
  return made
}

export const callOf =
  (deps: Deps, now: () => UnixSeconds, authorization?: string): Call =>
  async (name, request) => {
    const json = JSON.parse(JSON.stringify(api[name].request.encode(request as never)))
    return api[name].response.decode(await dispatch(deps, name, json, authorization, now()), 'body') as never
  }

/** Everything a database holds, as text, in a fixed order. */
export function dump(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true })
  // Whatever is asked writes to nobody's status.
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name <> 'nobody_status' order by name")
    .all()
  const inHex = (_key: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  const textOf = (value: unknown) => JSON.stringify(value, inHex)
  const rows = tables.map(({ name }) => {
    const all = database.prepare(`select * from ${name}`).all()
    return [name, all.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))]
  })
  database.close()
  return textOf(rows)
}

/** Rows of one table. */
export function countRows(path: string, table: string): number {
  const database = new DatabaseSync(path, { readOnly: true })
  const counted = database.prepare(`select count(*) as n from ${table}`).get()?.['n']
  database.close()
  return Number(counted)
}

export interface Phone {
  readonly id: PermanentId
  readonly keys: SharedKeys
  readonly list: IdentifierList
}

/** Registers with the client's side of ROBERT §3.3. */
export async function registerPhone({ deps, call }: Pick<BackEnd, 'deps' | 'call'>, name: string): Promise<Phone> {
  const privateKey = drawPrivateKey(randomOf(`phone ${name}`))
  const publicKey = publicPoint(privateKey)
  const { challenge } = await call('challenge', { publicKey })
  const answer = await call('register', { publicKey, challenge, solution: solveChallenge(challenge) })
  const keys = agreeKeys(SPEC, privateKey, deps.keys.publicKey)!
  const list = unpackList(openFrom(keys.encryptionKey, answer.list)!)
  const block = Uint8Array.from(list.pairs.subarray(0, SIZE.ebid))
  openEbids(deps.keys.serverKeyOf(dayOfEpoch(deps.calendar, list.first))!, block)
  return { id: idOfBlock(block, 0), keys, list }
}

/** EBID 8 | ECC 1 that a phone uses at a time. */
export function pairAt({ deps }: BackEnd, phone: Phone, at: UnixSeconds): Uint8Array {
  const index = epochAt(deps.calendar, at) - phone.list.first
  return phone.list.pairs.subarray(SIZE.pair * index, SIZE.pair * (index + 1))
}

/** What another phone uploads that heard `phone`, loudly and for five minutes. */
export function itemOf(server: BackEnd, phone: Phone, emitted: UnixSeconds, received = emitted): Uint8Array {
  const hello = buildHello(phone.keys.authenticationKey, pairAt(server, phone, emitted), ntpOf(emitted))
  return packItem(hello, ntpOf(received), packSignal({ strengthClass: 10, minutes: 5 }))
}

/** An item with a token of its day, as `redeem-code` gives it. */
export function withToken({ deps }: BackEnd, item: Uint8Array, day: UtcDay, random = randomOf('token')(32)) {
  const { request, pending } = requestToken(item, random)
  const response = respondToken(issuerDayKey(deps.keys.issuerKey, day), request)
  return { item, random, token: finishToken(pending, response) }
}

/** The 96 bytes of a request of a phone. */
export function requestOf(
  server: BackEnd,
  phone: Phone,
  code: number,
  options: { readonly at?: UnixSeconds; readonly payload?: Uint8Array } = {},
): Uint8Array {
  const { at = server.clock.now, payload = new Uint8Array(0) } = options
  const ebid = pairAt(server, phone, at).subarray(0, SIZE.ebid)
  const epoch = epochAt(server.deps.calendar, at)
  return buildRequest(SPEC, phone.keys.authenticationKey, { code, ebid, epoch, time: ntpOf(at), payload })
}

/** Sends a request of a phone; undefined for the constant reply. */
export async function ask(server: BackEnd, phone: Phone, request: Uint8Array): Promise<Reply | undefined> {
  const [reply] = await authenticatedRequests(server.deps, [request], server.clock.now)
  return openReply(phone.keys.encryptionKey, reply!)
}

export const askStatus = (server: BackEnd, phone: Phone): Promise<Reply | undefined> =>
  ask(server, phone, requestOf(server, phone, CODE.status))

export const renew = (server: BackEnd, phone: Phone, first: number): Promise<Reply | undefined> =>
  ask(server, phone, requestOf(server, phone, CODE.renew, { payload: renewPayload(first as Epoch) }))

export const acknowledge = (server: BackEnd, phone: Phone, replyId: Uint8Array): Promise<Reply | undefined> =>
  ask(server, phone, requestOf(server, phone, CODE.acknowledge, { payload: replyId }))

/** Puts a user at risk as of an epoch: fifteen minutes in its three slots. */
export async function expose({ deps }: BackEnd, phone: Phone, epoch: number): Promise<void> {
  const slots = [0, 1, 2].map((slot) => packExposure({ epoch: epoch as Epoch, slot, weight: 50 }))
  await deps.store.transaction((tx) => tx.appendExposures([{ id: phone.id, exposures: concat(...slots) }]))
}

/** LEE of a user, packed. */
export async function exposuresOf({ deps }: BackEnd, id: PermanentId): Promise<Uint8Array> {
  const users = await deps.store.transaction((tx) => tx.usersOf([id]))
  return users.get(id)!.exposedEpochs
}

export const pass = (server: BackEnd, seconds: number): UnixSeconds => {
  server.clock.now = later(server.clock.now, seconds)
  return server.clock.now
}
