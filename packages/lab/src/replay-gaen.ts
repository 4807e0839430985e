// The phones of GAEN in a replay: they hear advertisements, publish their keys, and compare what others published.
import { advertisementOf } from '@vicinity/client/gaen'
import { later } from '@vicinity/protocol'
import type { Constellation } from './constellation.ts'
import type { GaenLabPhone } from './gaen-phone.ts'
import { drawFraction } from './random.ts'
import type { ReplayOptions, Side } from './replay-options.ts'
import type { Trace } from './trace.ts'

/** A record of a trace stands for so many seconds of contact. */
const RECORD_SECONDS = 20
/** Seconds between two looks of a phone at the index. */
export const EXPORT_INTERVAL = 8 * 3600
/** Time for a publication, with its pauses. */
const PUBLISHING_SECONDS = 600
/** Keys of today are held back to the end of their day; then come the window, its rest, and a look of every phone. */
const EXPORTING_SECONDS = 36 * 3600

/** What a replay of GAEN shows; the keys of `--json`. */
export interface GaenResult {
  /** Ids in the trace. */
  readonly people: number
  readonly records: number
  /** Distinct (receiver, identifier) pairs as the phones stored them. */
  readonly receiverRpiPairs: number
  readonly declared: number
  readonly keysPublished: number
  /** Files that the index names. */
  readonly exports: number
  /** People whose phones heard a published key. */
  readonly matched: number
  readonly matchedIds: readonly number[]
  readonly warned: number
  /** People whose phones warned them. */
  readonly warnedIds: readonly number[]
  readonly seconds: number
}

/** GAEN: whoever is near hears the other's advertisement. */
export function gaenSide(
  world: Constellation,
  phones: ReadonlyMap<number, GaenLabPhone>,
  { loss }: ReplayOptions,
): Side {
  const { schedule, countries } = world
  const random = world.random('loss of advertisements')
  return {
    async install() {
      for (const phone of phones.values()) await phone.happens({ type: 'install' })
    },
    async meet(speaker, listener) {
      const advertisement = advertisementOf(phones.get(speaker)!.state)
      if (drawFraction(random) < loss || advertisement === undefined) return
      await phones
        .get(listener)!
        .happens({ type: 'heard', advertisement, previousScanAt: later(schedule.now(), -RECORD_SECONDS) })
    },
    async declare(people) {
      for (const id of people) {
        const code = await countries[0]!.gaen.issueCode('confirmed')
        const phone = phones.get(id)!
        await phone.happens({ type: 'declare', code })
        await phone.happens({ type: 'consent', given: true })
      }
    },
    async settle(people) {
      await schedule.runUntil(later(schedule.now(), PUBLISHING_SECONDS))
      for (const id of people) {
        const published = phones.get(id)!.notices.some((notice) => notice.what === 'keysPublished')
        if (!published) throw new Error(`the phone of person ${id} has not published its keys in time`)
      }
      await schedule.runUntil(later(schedule.now(), EXPORTING_SECONDS))
    },
  }
}

interface Told {
  readonly trace: Trace
  readonly world: Constellation
  readonly phones: ReadonlyMap<number, GaenLabPhone>
  readonly declared: readonly number[]
  readonly seconds: number
}

export async function gaenResultOf({ trace, world, phones, declared, seconds }: Told): Promise<GaenResult> {
  const idsWhere = (holds: (phone: GaenLabPhone) => boolean) =>
    [...phones].filter(([, phone]) => holds(phone)).map(([id]) => id)
  const all = [...phones.values()]
  const sum = (numberOf: (phone: GaenLabPhone) => number) => all.reduce((total, phone) => total + numberOf(phone), 0)
  const matchedIds = idsWhere(({ state }) => state.exposures.length > 0)
  const warnedIds = idsWhere(({ notices }) => notices.some(({ what }) => what === 'atRisk'))
  return {
    people: trace.people.length,
    records: trace.times.length,
    receiverRpiPairs: sum(identifiersIn),
    declared: declared.length,
    keysPublished: sum(({ notices }) =>
      notices.reduce((count, notice) => count + (notice.what === 'keysPublished' ? notice.count : 0), 0),
    ),
    exports: await world.countries[0]!.gaen.countExports(),
    matched: matchedIds.length,
    matchedIds,
    warned: warnedIds.length,
    warnedIds,
    seconds,
  }
}

/** How many identifiers a phone's log holds, each once. */
const identifiersIn = ({ log }: GaenLabPhone): number =>
  new Set(log.map(({ identifier }) => Buffer.from(identifier).toString('latin1'))).size
