// A recorded contact network, lived through by phones and a back-end: the whole thread of either protocol, or of both, on real contacts.
import { randomUUID } from 'node:crypto'
import { DAY_SECONDS, later, type UnixSeconds } from '@vicinity/protocol'
import { DEFAULT_DAILY_SUMMARIES, RECORD_SCANNING } from '@vicinity/protocol/gaen'
import { stopwatch } from './clock.ts'
import { type Constellation, type Country, type CountryOptions, constellation, type LabPhone } from './constellation.ts'
import type { GaenLabPhone } from './gaen-phone.ts'
import { drawFraction } from './random.ts'
import { EXPORT_INTERVAL, type GaenResult, gaenResultOf, gaenSide } from './replay-gaen.ts'
import { LAB_PARAMETERS, POLLING_SECONDS, type ReplayOptions, SENDING_SECONDS, type Side } from './replay-options.ts'
import { type ReplayResult, resultOf } from './replay-result.ts'
import { robertSide } from './replay-robert.ts'
import { ORDER } from './schedule.ts'
import type { Trace } from './trace.ts'

/** A replay that cannot be run as asked. */
export class BadReplay extends Error {
  override readonly name = 'BadReplay'
}

export const REPLAY_START = 1_590_969_600 as UnixSeconds

const lastRecord = (trace: Trace): number => trace.times[trace.times.length - 1]!

/** How long a replay takes by its own clock, from t = 0 to the last answer, in seconds. */
export const replaySeconds = (trace: Trace): number => lastRecord(trace) + SENDING_SECONDS + POLLING_SECONDS

export interface Replayed {
  /** Undefined where the replay was of GAEN alone. */
  readonly robert: ReplayResult | undefined
  /** Undefined where it was of ROBERT alone. */
  readonly gaen: GaenResult | undefined
  /** Still running; the caller closes it. */
  readonly world: Constellation
}

/** The keys of `--json`: of both protocols what is common comes once. */
export const jsonOf = ({ robert, gaen }: Replayed): object => ({ ...robert, ...gaen })

/** Runs a whole trace: registration, contacts, declaration, warning. */
export async function replay(trace: Trace, options: ReplayOptions): Promise<Replayed> {
  const seconds = stopwatch()
  const { protocol = 'robert', declare } = options
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
    await checkNew(world.countries[0]!)
    const people = adopters(trace, world, options)
    for (const id of declare) {
      if (!people.includes(id)) throw new BadReplay(`person ${id} does not carry the application and cannot declare`)
    }
    const progress = options.onProgress ?? (() => {})
    const carriers = new Set(people)
    const phones = new Map(protocol === 'gaen' ? [] : people.map((id) => [id, addPhone(world, id, options)]))
    const gaenPhones = new Map(protocol === 'robert' ? [] : people.map((id) => [id, addGaenPhone(world, id)]))
    const sides = [
      ...(protocol === 'gaen' ? [] : [robertSide(world, phones, lastRecord(trace), options)]),
      ...(protocol === 'robert' ? [] : [gaenSide(world, gaenPhones, options)]),
    ]
    options.watch?.begun(world, phones)
    progress(0, 'registering')
    for (const side of sides) await side.install()
    planContacts(trace, world, carriers, sides, progress)
    await world.schedule.runUntil(later(start, lastRecord(trace)))
    progress(0.9, 'declaring')
    for (const side of sides) await side.declare(declare)
    for (const side of sides) await side.settle(declare)
    const told = { trace, world, declared: declare, seconds: seconds() }
    const robert = protocol === 'gaen' ? undefined : await resultOf({ ...told, phones })
    const gaen = protocol === 'robert' ? undefined : await gaenResultOf({ ...told, phones: gaenPhones })
    if (robert !== undefined) await options.watch?.ended(robert)
    progress(1, 'done')
    return { robert, gaen, world }
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

/** What another run left would be counted with this one: a store remembers who set it up, and a replay is somebody new. */
async function checkNew({ deps }: Country): Promise<void> {
  const name = `replay ${randomUUID()}`
  if ((await deps.store.transaction((tx) => tx.setUp(name))) === name) return
  throw new BadReplay('the store has been used: a replay begins with an empty one')
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

/** Identifiers change with the interval, so that runs and figures can be compared; nobody hides here. */
const addGaenPhone = (world: Constellation, id: number): GaenLabPhone =>
  world.addGaenPhone(String(id), {
    rotation: 'interval',
    exportInterval: EXPORT_INTERVAL,
    chaff: false,
    riskConfiguration: { ...DEFAULT_DAILY_SUMMARIES, scanning: RECORD_SCANNING },
  })

/** Plans the records of the trace, one time after the other: whoever is in one hears the other's broadcast once. */
function planContacts(
  trace: Trace,
  world: Constellation,
  carriers: ReadonlySet<number>,
  sides: readonly Side[],
  progress: (share: number, what: string) => void,
): void {
  const start = world.schedule.now()
  const count = trace.times.length
  let next = 0
  const turn = async (): Promise<void> => {
    const t = trace.times[next]!
    for (; next < count && trace.times[next] === t; next++) {
      const left = trace.left[next]!
      const right = trace.right[next]!
      if (!carriers.has(left) || !carriers.has(right)) continue
      for (const side of sides) {
        await side.meet(left, right)
        await side.meet(right, left)
      }
    }
    if (next % 64 === 0 || next === count) progress((0.9 * next) / count, `day ${Math.floor(t / DAY_SECONDS) + 1}`)
    if (next < count) world.schedule.plan(later(start, trace.times[next]!), ORDER.radio, turn)
  }
  world.schedule.plan(later(start, trace.times[0]!), ORDER.radio, turn)
}
