// A recorded contact network, lived through by phones and a back-end: the whole thread of ROBERT on real contacts.
import { helloAt } from '@vicinity/client'
import { DAY_SECONDS, later, type UnixSeconds } from '@vicinity/protocol'
import { type Parameters, withParameters } from '@vicinity/protocol/robert'
import type { Pages } from '@vicinity/server'
import { stopwatch } from './clock.ts'
import {
  type Constellation,
  type CountryOptions,
  constellation,
  type LabPhone,
  type PhoneWatch,
} from './constellation.ts'
import { drawFraction } from './random.ts'
import { type ReplayResult, resultOf } from './replay-result.ts'
import { ORDER } from './schedule.ts'
import type { Trace } from './trace.ts'

export interface ReplayOptions {
  /** People of the trace who are diagnosed after its last record, and declare. */
  readonly declare: readonly number[]
  readonly wire: boolean
  /** Share of the people who carry the application. */
  readonly adoption: number
  /** Share of the HELLOs that a phone near does not receive. */
  readonly loss: number
  readonly filter: 'none' | 'default'
  readonly seed: number
  /** When t = 0 of the trace is; default 2020-06-01T00:00Z. */
  readonly start?: UnixSeconds
  readonly store?: string
  readonly port?: number
  /** Told how far the replay is, from 0 to 1, and what goes on. */
  readonly onProgress?: (share: number, what: string) => void
  /** Told when the back-end listens. */
  readonly onListening?: (url: string) => void
  /** What the back-end serves beside the API, with `wire`. */
  readonly pages?: Pages
  readonly watch?: ReplayWatch
}

/** Told what happens in a replay, as it happens; changes nothing. */
export interface ReplayWatch extends PhoneWatch {
  readonly begun: (world: Constellation, phones: ReadonlyMap<number, LabPhone>) => void
  /** A phone near received a HELLO. */
  readonly heard: (at: UnixSeconds) => void
  readonly declared: (person: number) => void
  readonly ended: (result: ReplayResult) => Promise<void>
}

/** A replay that cannot be run as asked. */
export class BadReplay extends Error {
  override readonly name = 'BadReplay'
}

export const REPLAY_START = 1_590_969_600 as UnixSeconds

/** In the lab: the cheapest proof of work, items applied at once, all of an upload within an hour. */
export const LAB_PARAMETERS: Parameters = withParameters({ proofOfWork: 0, poolWindow: 0, uploadSpread: 3600 })

/** Time for the declared to send everything and for the back-end to apply it. */
const SENDING_SECONDS = 3 * LAB_PARAMETERS.uploadSpread
/** Then everybody asks once more. */
const POLLING_SECONDS = LAB_PARAMETERS.pollInterval + LAB_PARAMETERS.pollJitter + 900

const lastRecord = (trace: Trace): number => trace.times[trace.times.length - 1]!

/** How long a replay takes by its own clock, from t = 0 to the last answer, in seconds. */
export const replaySeconds = (trace: Trace): number => lastRecord(trace) + SENDING_SECONDS + POLLING_SECONDS

export interface Replayed {
  readonly result: ReplayResult
  /** Still running; the caller closes it. */
  readonly world: Constellation
}

/** Runs a whole trace: registration, contacts, declaration, warning. */
export async function replay(trace: Trace, options: ReplayOptions): Promise<Replayed> {
  const seconds = stopwatch()
  const start = options.start ?? REPLAY_START
  const world = await constellation({
    seed: options.seed,
    start,
    countries: [countryOf(options)],
    wire: options.wire,
    ...(options.watch !== undefined && { watch: options.watch }),
  })
  const url = world.countries[0]?.url
  if (url !== undefined) options.onListening?.(url)
  try {
    const phones = new Map(adopters(trace, world, options).map((id) => [id, addPhone(world, id, options)]))
    for (const id of options.declare) {
      if (!phones.has(id)) throw new BadReplay(`person ${id} does not carry the application and cannot declare`)
    }
    const progress = options.onProgress ?? (() => {})
    options.watch?.begun(world, phones)
    progress(0, 'registering')
    for (const phone of phones.values()) await phone.happens({ type: 'install' })
    planContacts(trace, world, phones, options, progress)
    await world.schedule.runUntil(later(start, lastRecord(trace)))
    progress(0.9, 'declaring')
    await declareAndPoll(trace, world, phones, options)
    const result = await resultOf({ trace, world, phones, declared: options.declare, seconds: seconds() })
    await options.watch?.ended(result)
    progress(1, 'done')
    return { result, world }
  } catch (error) {
    await world.close()
    throw error
  }
}

function countryOf(options: ReplayOptions): CountryOptions {
  return {
    settings: { parameters: LAB_PARAMETERS },
    ...(options.store !== undefined && { store: options.store }),
    ...(options.port !== undefined && { port: options.port }),
    ...(options.pages !== undefined && { pages: options.pages }),
  }
}

/** Who carries the application: so many of the people, drawn by the seed. */
function adopters(trace: Trace, world: Constellation, options: ReplayOptions): number[] {
  const random = world.random('adoption')
  const drawn = trace.people.map((id) => ({ id, ticket: drawFraction(random) }))
  drawn.sort((a, b) => a.ticket - b.ticket)
  const chosen = drawn.slice(0, Math.round(options.adoption * drawn.length)).map(({ id }) => id)
  for (const id of options.declare) {
    if (!trace.people.includes(id)) throw new BadReplay(`person ${id} does not occur in the trace`)
  }
  return chosen.sort((a, b) => a - b)
}

const addPhone = (world: Constellation, id: number, { filter }: ReplayOptions): LabPhone =>
  world.addPhone(String(id), { filter })

/** Plans the records of the trace, one time after the other: whoever is in one hears the other's HELLO once. */
function planContacts(
  trace: Trace,
  world: Constellation,
  phones: ReadonlyMap<number, LabPhone>,
  options: ReplayOptions,
  progress: (share: number, what: string) => void,
): void {
  const start = world.schedule.now()
  const random = world.random('loss')
  const count = trace.times.length
  let next = 0
  const turn = async (): Promise<void> => {
    const t = trace.times[next]!
    const hellos = new Map<LabPhone, Uint8Array | undefined>()
    const helloOf = (phone: LabPhone) => {
      if (!hellos.has(phone)) hellos.set(phone, helloAt(phone.state, phone.now()))
      return hellos.get(phone)
    }
    for (; next < count && trace.times[next] === t; next++) {
      const left = phones.get(trace.left[next]!)
      const right = phones.get(trace.right[next]!)
      if (left === undefined || right === undefined) continue
      for (const [speaker, listener] of [
        [left, right],
        [right, left],
      ] as const) {
        const hello = helloOf(speaker)
        if (drawFraction(random) < options.loss || hello === undefined) continue
        options.watch?.heard(world.schedule.now())
        await listener.happens({ type: 'heard', hello })
      }
    }
    if (next % 64 === 0 || next === count) progress((0.9 * next) / count, `day ${Math.floor(t / DAY_SECONDS) + 1}`)
    if (next < count) world.schedule.plan(later(start, trace.times[next]!), ORDER.radio, turn)
  }
  world.schedule.plan(later(start, trace.times[0]!), ORDER.radio, turn)
}

/** The authority gives each declared person a code for the whole trace; all is sent and applied; then everybody polls once more. */
async function declareAndPoll(
  trace: Trace,
  world: Constellation,
  phones: ReadonlyMap<number, LabPhone>,
  { declare: declared, watch }: ReplayOptions,
): Promise<void> {
  const { schedule, countries } = world
  const contagiousTo = later(schedule.now(), 1)
  const longest = LAB_PARAMETERS.contagiousDays * DAY_SECONDS
  const contagiousFrom = later(contagiousTo, -Math.min(lastRecord(trace) + 2, longest))
  for (const id of declared) {
    const { code } = await countries[0]!.authority('issueCode', { contagiousFrom, contagiousTo })
    const phone = phones.get(id)!
    watch?.declared(id)
    await phone.happens({ type: 'declare', code })
    await phone.happens({ type: 'consent', given: true })
  }
  await schedule.runUntil(later(schedule.now(), SENDING_SECONDS))
  for (const id of declared) {
    const sent = phones.get(id)!.notices.some((notice) => notice.what === 'declarationSent')
    if (!sent) throw new Error(`the phone of person ${id} has not sent its items in time`)
  }
  await schedule.runUntil(later(schedule.now(), POLLING_SECONDS))
}
