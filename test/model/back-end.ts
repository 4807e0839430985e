// The real back-end in memory under a clock that the test moves, and what its phones and its authority do in bytes.

import { randomStream } from '@vicinity/lab'
import {
  api,
  type Call,
  concat,
  dayOfEpoch,
  type EndpointName,
  type Epoch,
  finishToken,
  ntpOf,
  type Random,
  requestToken,
  time16,
  type UnixSeconds,
  type UtcDay,
  writeUint,
} from '@vicinity/protocol'
import { drawPrivateKey, hmacSha256, publicPoint } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  buildRequest,
  CODE,
  type IdentifierList,
  idOfBlock,
  openEbids,
  openFrom,
  openReply,
  type PermanentId,
  packItem,
  packSignal,
  type Reply,
  renewPayload,
  type SharedKeys,
  SIZE,
  SPEC,
  solveChallenge,
  unpackExposures,
  unpackList,
} from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, type Deps, dispatch, jobsOf, makeDeps, memoryKeys, openStore } from '@vicinity/server'
import type { Item, Request } from './reference.ts'
import { COUNTRY, PEER, RULES } from './rules.ts'

const AUTHORITY = 'authority of the model'

/** A phone with its key pair; it may register any number of times. */
export interface KeyPair {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}
export const keyPairOf = (name: string): KeyPair => {
  const privateKey = drawPrivateKey(randomStream(1, name))
  return { privateKey, publicKey: publicPoint(privateKey) }
}

/** The back-ends of all sequences draw the same key pair, so phones need not agree with it anew. */
const agreements = new Map<string, SharedKeys>()
function agreed(privateKey: Uint8Array, point: Uint8Array): SharedKeys {
  const name = `${privateKey} ${point}`
  const keys = agreements.get(name) ?? agreeKeys(SPEC, privateKey, point)!
  agreements.set(name, keys)
  return keys
}

/** An account as its phone knows it. */
export interface Account {
  readonly id: PermanentId
  readonly keys: SharedKeys
  /** EBID 8 | ECC 1 by epoch. */
  readonly pairs: Map<number, Uint8Array>
}

export interface Upload {
  readonly item: Uint8Array
  readonly random: Uint8Array
  readonly token: Uint8Array
}

export interface Registration {
  readonly account: Account
  readonly first: number
  /** The same bytes again. */
  readonly again: () => Promise<unknown>
}

export class BackEnd {
  readonly deps: Deps
  readonly random: Random = randomStream(1, 'model')
  readonly #clock: () => number
  readonly #call: Call
  readonly #authority: Call
  readonly #jobs: ReadonlyMap<string, (deps: Deps, at: UnixSeconds) => Promise<void>>

  constructor(start: number, clock: () => number) {
    this.#clock = clock
    this.deps = makeDeps({
      store: openStore('sqlite::memory:'),
      keyFiles: memoryKeys(),
      random: this.random,
      settings: {
        ...DEFAULT_SETTINGS,
        serviceStart: start as UnixSeconds,
        countryCode: COUNTRY,
        // A table of peers that also names this country changes nothing.
        peers: new Set([COUNTRY, PEER]),
        parameters: RULES,
        authorityToken: AUTHORITY,
      },
    })
    this.#jobs = new Map(jobsOf(this.deps).map(({ name, run }) => [name, run]))
    const way =
      (authorization?: string): Call =>
      async (name: EndpointName, request: unknown) => {
        const json = api[name].request.encode(request as never)
        return api[name].response.decode(
          await dispatch(this.deps, name, json, authorization, this.now),
          'body',
        ) as never
      }
    this.#call = way()
    this.#authority = way(`Bearer ${AUTHORITY}`)
  }

  get now(): UnixSeconds {
    return this.#clock() as UnixSeconds
  }

  close(): Promise<void> {
    return this.deps.store.close()
  }

  run(job: 'server keys' | 'purge' | 'process contacts'): Promise<void> {
    return this.#jobs.get(job)!(this.deps, this.now)
  }

  /** ROBERT §3.3, as a phone does it. */
  async register({ privateKey, publicKey }: KeyPair): Promise<Registration> {
    const { challenge } = await this.#call('challenge', { publicKey })
    const asked = { publicKey, challenge, solution: solveChallenge(challenge) }
    const answer = await this.#call('register', asked)
    const keys = agreed(privateKey, this.deps.keys.publicKey)
    const list = unpackList(openFrom(keys.encryptionKey, answer.list)!)
    const block = Uint8Array.from(list.pairs.subarray(0, SIZE.ebid))
    openEbids(this.deps.keys.serverKeyOf(dayOfEpoch(this.deps.calendar, list.first))!, block)
    const account = { id: idOfBlock(block, 0), keys, pairs: new Map<number, Uint8Array>() }
    keepPairs(account, list)
    return { account, first: list.first, again: () => this.#call('register', asked) }
  }

  /** The 96 bytes of a request, with one bit turned where it has a flaw. */
  requestOf(account: Account, { kind, epoch, time, flaw }: Omit<Request, 'bytes'>, payload: Uint8Array): Uint8Array {
    const ebid = account.pairs.get(epoch)!.subarray(0, SIZE.ebid)
    const fields = { code: CODE[kind], ebid, epoch: epoch as Epoch, time: ntpOf(time as UnixSeconds), payload }
    const request = buildRequest(SPEC, account.keys.authenticationKey, fields)
    if (flaw === 'none') return request
    const at = { mac: SIZE.request - 1, payload: 17, epoch: 12 }[flaw]
    return request.with(at, request[at]! ^ 1)
  }

  /** Undefined for the constant reply. */
  async ask(account: Account, request: Uint8Array): Promise<Reply | undefined> {
    const { reply } = await this.#call('request', { request })
    return openReply(account.keys.encryptionKey, reply)
  }

  issueCode(from: number, to: number): Promise<{ readonly code: string }> {
    return this.#authority('issueCode', { contagiousFrom: from as UnixSeconds, contagiousTo: to as UnixSeconds })
  }

  /** A token of the authority for a negative test. */
  async issueReset(testedAt: number): Promise<Uint8Array> {
    return (await this.#authority('issueReset', { testedAt: testedAt as UnixSeconds })).token
  }

  /** The tokens of one contact day: for items of it, and for dummies up to the number that is always asked for. */
  async redeem(code: string, day: number, items: readonly Uint8Array[]): Promise<Upload[]> {
    const asked = Array.from({ length: RULES.tokensPerDay }, (_, k) => {
      const item = items[k] ?? this.random(SIZE.item)
      const random = this.random(32)
      return { item, random, ...requestToken(item, random) }
    })
    const requests = asked.map(({ request }) => request)
    const { responses } = await this.#call('redeemCode', { code, day: day as UtcDay, chunk: 0, requests })
    return asked
      .map(({ item, random, pending }, k) => ({ item, random, token: finishToken(pending, responses[k]!) }))
      .slice(0, items.length)
  }

  upload(upload: Upload): Promise<unknown> {
    return this.#call('upload', upload)
  }

  /** What the store and the key ring hold, in a form that can be compared. */
  async state(accounts: readonly Account[], days: readonly number[]): Promise<string[]> {
    const ids = accounts.map(({ id }) => id)
    const [users, queued] = await this.deps.store.transaction(async (tx) => [
      await tx.usersOf(ids),
      await tx.queuedWindows(),
    ])
    const lines = ids.map((id, account) => {
      const user = users.get(id)
      if (user === undefined) return `${account} unknown`
      const { notified, lastStatusRequestEpoch, warnedThrough } = user.status
      return describeUser(account, notified, lastStatusRequestEpoch, warnedThrough, unpackExposures(user.exposedEpochs))
    })
    const known = days.filter((day) => this.deps.keys.serverKeyOf(day as UtcDay) !== undefined)
    const intake = this.deps.keys.intakeWindows()
    return [...lines, ...describeRest(known, intake, queued, this.deps.counts)]
  }
}

export function keepPairs(account: Account, list: IdentifierList): void {
  for (let k = 0; k < list.pairs.length / SIZE.pair; k++) {
    account.pairs.set(list.first + k, list.pairs.subarray(SIZE.pair * k, SIZE.pair * (k + 1)))
  }
}

/** What a request carries that no secret is needed for. */
export const payloadOf = ({ kind, first }: { readonly kind: string; readonly first?: number }): Uint8Array =>
  kind === 'renew' ? renewPayload(first as Epoch) : new Uint8Array(0)

/** The 21 bytes of an item. */
export function packedItem(account: Account, item: Item): Uint8Array {
  const pair = account.pairs.get(item.epoch)!
  const hello = new Uint8Array(SIZE.hello)
  // A HELLO of a federated country is our own with its ECC under another code.
  hello[0] = pair[SIZE.ebid]! ^ (item.flaw === 'foreign' ? COUNTRY ^ PEER : 0)
  hello.set(pair.subarray(0, SIZE.ebid), SIZE.ecc)
  writeUint(hello, SIZE.ecc + SIZE.ebid, 2, time16(ntpOf(item.emitted as UnixSeconds)))
  const maced = concat(new Uint8Array([CODE.hello]), hello.subarray(0, 11))
  hello.set(hmacSha256(account.keys.authenticationKey, maced).subarray(0, SIZE.helloMac), 11)
  if (item.flaw === 'mac') hello[15] = hello[15]! ^ 1
  if (item.flaw === 'country') hello[0] = hello[0]! ^ 0x80
  const signal = packSignal({ strengthClass: item.strength, minutes: item.minutes })
  return packItem(hello, ntpOf(item.received as UnixSeconds), signal)
}

export function describeUser(
  account: number,
  notified: string,
  asked: number | undefined,
  warned: number | undefined,
  lee: readonly { readonly epoch: number; readonly slot: number; readonly weight: number }[],
): string {
  const sorted = lee.map(({ epoch, slot, weight }) => epoch * 1000 + slot * 100 + weight).sort((a, b) => a - b)
  return `${account} UN ${notified} SRE ${asked} through ${warned} LEE ${sorted.join(' ')}`
}

export const describeRest = (
  serverKeys: readonly number[],
  intakeWindows: readonly number[],
  queued: readonly number[],
  counts: ReadonlyMap<string, number>,
): string[] => [
  `server keys ${serverKeys.toSorted((a, b) => a - b).join(' ')}`,
  `intake keys ${intakeWindows.toSorted((a, b) => a - b).join(' ')}`,
  `queued windows ${queued.join(' ')}`,
  ...[...counts]
    .filter(([what]) => /^(?:registered|store|item|request|upload)/.test(what))
    .map(([what, times]) => `${what}: ${times}`)
    .sort(),
]
