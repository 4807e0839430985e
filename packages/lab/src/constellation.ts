// Back-ends and phones in one process under a virtual clock. The code of both is the one that runs everywhere else; what is
// here is the world around it: time, randomness, the network.
import {
  type Host,
  type KeptItem,
  type Notice,
  newPhone,
  type PhoneEvent,
  type PhoneState,
  runEvent,
} from '@vicinity/client'
import type { GaenSettings } from '@vicinity/client/gaen'
import { httpCall, httpSend } from '@vicinity/client/hosts/node'
import {
  api,
  type Call,
  type EndpointName,
  Malformed,
  type Random,
  type RequestOf,
  type ResponseOf,
  type UnixSeconds,
} from '@vicinity/protocol'
import { solveChallenge } from '@vicinity/protocol/robert'
import {
  callDeployed,
  DEFAULT_SETTINGS,
  type Deps,
  dispatch,
  jobsOf,
  type KeyFiles,
  listen,
  makeDeps,
  memoryFiles,
  memoryKeys,
  oneByOne,
  openStore,
  type Pages,
  type Settings,
  type Tombstones,
} from '@vicinity/server'
import { type GaenWays, gaenWays, LAB_GAEN } from './gaen-country.ts'
import { type GaenLabPhone, makeGaenPhone } from './gaen-phone.ts'
import { randomStream } from './random.ts'
import { ORDER, Schedule } from './schedule.ts'

export interface CountryOptions {
  readonly settings?: Partial<Settings>
  /** Default: `sqlite::memory:`. */
  readonly store?: string
  /** Keys and marks of who left, where they outlive its database. Default: in memory, and none. */
  readonly keyFiles?: KeyFiles
  readonly tombstones?: Tombstones
  readonly port?: number
  /** What is served beside the API, with `wire`. */
  readonly pages?: Pages
}

export interface ConstellationOptions {
  readonly seed: number
  readonly start: UnixSeconds
  /** One back-end each. */
  readonly countries: readonly CountryOptions[]
  /** Whether calls go through real HTTP on loopback. */
  readonly wire?: boolean
  readonly watch?: PhoneWatch
}

/** Told what phones do, as it happens; changes nothing. */
export interface PhoneWatch {
  readonly called: <Name extends EndpointName>(phone: LabPhone, endpoint: Name, request: RequestOf<Name>) => void
  readonly answered: <Name extends EndpointName>(phone: LabPhone, endpoint: Name, response: ResponseOf<Name>) => void
  readonly kept: (phone: LabPhone, items: readonly KeptItem[]) => void
  readonly told: (phone: LabPhone, notice: Notice) => void
}

export interface Country {
  readonly deps: Deps
  /** A phone's way to the back-end. */
  readonly call: Call
  /** The health authority's way. */
  readonly authority: Call
  readonly url: string | undefined
  /** GAEN: what an application of this country is built with, and the ways of its phones and of its authority. */
  readonly gaen: GaenWays
}

/** A phone and what its host holds. */
export interface LabPhone {
  readonly name: string
  state: PhoneState
  /** The log of what was heard, owned by the host. */
  log: KeptItem[]
  readonly notices: Notice[]
  /** How often the radio's address changed. */
  rotations: number
  /** Seconds by which the phone's own clock is ahead. */
  skew: number
  /** Switched off: nothing happens to it, and it does nothing. */
  isOff: boolean
  readonly random: Random
  /** The phone's own clock. */
  readonly now: () => UnixSeconds
  /** Calls that the phone made. */
  readonly calls: { readonly endpoint: EndpointName; readonly request: unknown; readonly at: UnixSeconds }[]
  /** Lets an event happen to the phone now and waits until all that follows has settled. */
  readonly happens: (event: PhoneEvent) => Promise<void>
}

export interface Constellation {
  readonly schedule: Schedule
  readonly countries: readonly Country[]
  readonly random: (name: string) => Random
  /** A phone of a country; it registers when `install` happens to it. */
  readonly addPhone: (name: string, options?: PhoneOptions) => LabPhone
  /** A phone of GAEN, of the first country; it takes part when `install` happens to it. */
  readonly addGaenPhone: (name: string, settings?: Partial<GaenSettings>) => GaenLabPhone
  /** Replaces the virtual clock of the back-ends, which go on serving. */
  readonly useClock: (now: () => UnixSeconds) => void
  readonly close: () => Promise<void>
}

export interface PhoneOptions {
  readonly country?: number
  readonly filter?: 'none' | 'default'
  /** Seconds by which the phone's own clock is ahead. */
  readonly skew?: number
  readonly network?: Network
}

/** What becomes of a call; asked once for each. */
export type Network = (endpoint: EndpointName, request: unknown) => 'delivered' | 'requestLost' | 'replyLost'

/** The token of the lab's health authority: everything here is on this machine. */
const AUTHORITY = 'authority of the lab'

export async function constellation(options: ConstellationOptions): Promise<Constellation> {
  const schedule = new Schedule(options.start)
  const clock = { now: schedule.now }
  const countries: Country[] = []
  const closing: (() => Promise<void>)[] = []
  for (const [index, country] of options.countries.entries()) {
    const started = await startCountry(options, country, index, () => clock.now())
    countries.push(started.country)
    closing.unshift(started.close)
    for (const job of jobsOf(started.country.deps)) {
      const turn = async (at: UnixSeconds): Promise<void> => {
        await job.run(started.country.deps, at)
        schedule.plan((at + job.every) as UnixSeconds, ORDER.jobs, turn)
      }
      await turn(options.start)
    }
  }
  return {
    schedule,
    countries,
    random: (name) => randomStream(options.seed, name),
    addPhone: (name, phone = {}) => makePhone(options, schedule, countries[phone.country ?? 0]!, name, phone),
    addGaenPhone: (name, settings = {}) => makeGaenPhone(options.seed, schedule, countries[0]!.gaen, name, settings),
    useClock: (now) => {
      clock.now = now
    },
    close: async () => {
      for (const close of closing) await close()
    },
  }
}

async function startCountry(
  options: ConstellationOptions,
  country: CountryOptions,
  index: number,
  now: () => UnixSeconds,
): Promise<{ readonly country: Country; readonly close: () => Promise<void> }> {
  const deps = makeDeps({
    store: openStore(country.store ?? 'sqlite::memory:'),
    keyFiles: country.keyFiles ?? memoryKeys(),
    ...(country.tombstones !== undefined && { tombstones: country.tombstones }),
    exportFiles: memoryFiles(),
    random: randomStream(options.seed, `server ${index}`),
    gaenRandom: randomStream(options.seed, `gaen server ${index}`),
    settings: {
      ...DEFAULT_SETTINGS,
      serviceStart: options.start,
      authorityToken: AUTHORITY,
      gaen: LAB_GAEN,
      ...country.settings,
    },
  })
  if (options.wire !== true) {
    const direct = (authorization?: string) => directCall(deps, now, authorization)
    const gaen = gaenWays(deps, (request) => callDeployed(deps, request, now()), now)
    const ways = { call: direct(), authority: direct(`Bearer ${AUTHORITY}`), url: undefined, gaen }
    return { country: { deps, ...ways }, close: () => deps.store.close() }
  }
  const { port = 0, pages = {} } = country
  const server = await listen(oneByOne(deps, now), now, { host: '127.0.0.1', port, nextPort: true, pages })
  const close = async () => {
    await server.close()
    await deps.store.close()
  }
  const ways = {
    call: httpCall(server.url),
    authority: httpCall(server.url, `Bearer ${AUTHORITY}`),
    url: server.url,
    gaen: gaenWays(deps, httpSend(server.url), now),
  }
  return { country: { deps, ...ways }, close }
}

/** The back-end without a network between: the same decoding, flows and encoding. */
function directCall(deps: Deps, now: () => UnixSeconds, authorization: string | undefined): Call {
  return async (name, request) => {
    const endpoint = api[name]
    try {
      const answer = await dispatch(deps, name, endpoint.request.encode(request as never), authorization, now())
      return endpoint.response.decode(answer, 'body') as never
    } catch (error) {
      const refused = error instanceof Malformed || (error as Error).name === 'Refused'
      throw Object.assign(new Error((error as Error).message, { cause: error }), { refused })
    }
  }
}

function makePhone(
  options: ConstellationOptions,
  schedule: Schedule,
  country: Country,
  name: string,
  { filter = 'default', skew = 0, network = () => 'delivered' }: PhoneOptions,
): LabPhone {
  const random = randomStream(options.seed, `phone ${name}`)
  const { profile } = country.deps.settings
  const { watch } = options
  const own = () => (schedule.now() + phone.skew) as UnixSeconds
  let wakeAt: UnixSeconds | undefined
  const phone: LabPhone = {
    name,
    state: newPhone({ profile, serverPublicKey: country.deps.keys.publicKey, filter }),
    log: [],
    notices: [],
    rotations: 0,
    skew,
    isOff: false,
    random,
    now: own,
    calls: [],
    happens: async (event) => {
      if (!phone.isOff) await runEvent({ state: phone.state, random, host }, event, own())
    },
  }
  const host: Host = {
    now: own,
    call: async (endpoint, request) => {
      phone.calls.push({ endpoint, request, at: schedule.now() })
      watch?.called(phone, endpoint, request)
      const fate = network(endpoint, request)
      if (fate === 'requestLost') throw new NoAnswer('the request was lost')
      const answer = await country.call(endpoint, request)
      watch?.answered(phone, endpoint, answer)
      if (fate === 'replyLost') throw new NoAnswer('the reply was lost')
      return answer
    },
    solve: async (challenge) => solveChallenge(challenge),
    log: {
      keep: (items) => {
        for (const item of items) phone.log.push(item)
        watch?.kept(phone, items)
      },
      forget: (before) => {
        phone.log = phone.log.filter((item) => item.time >= before)
      },
      recall: (after, before) => phone.log.filter((item) => item.time > after && item.time < before),
    },
    rotateAddress: () => {
      phone.rotations++
    },
    setWake: (at) => {
      wakeAt = at
      schedule.plan((at - phone.skew) as UnixSeconds, ORDER.wake, () => {
        if (wakeAt !== at) return undefined
        wakeAt = undefined
        return phone.happens({ type: 'wake' })
      })
    },
    persist: () => {},
    tell: (notice) => {
      phone.notices.push(notice)
      watch?.told(phone, notice)
    },
  }
  return phone
}

/** The network failed: a phone cannot know whether its request arrived. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly refused = false
}
