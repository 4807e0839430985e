import { helloAt } from '@vicinity/client'
import { dayOfEpoch, epochAt } from '@vicinity/protocol'
import { idOfBlock, openEbids, type PermanentId, parseHello, SIZE } from '@vicinity/protocol/robert'
import type { Constellation, Country, LabPhone } from './constellation.ts'
import type { Trace } from './trace.ts'

/** What a replay shows; the keys of `--json`, in this order. */
export interface ReplayResult {
  /** Ids in the trace. */
  readonly people: number
  readonly registered: number
  readonly records: number
  /** Distinct (receiver, EBID) pairs as the phones stored them. */
  readonly receiverEbidPairs: number
  readonly declared: number
  /** Items that the back-end took, the dummies that hide the number of contacts among them. */
  readonly itemsUploaded: number
  readonly itemsAccepted: number
  /** Refused items by the step of ROBERT §6.2. */
  readonly itemsRefused: Readonly<Record<string, number>>
  readonly exposed: number
  /** People whose list of exposed epochs is not empty, read from the store. */
  readonly exposedIds: readonly number[]
  readonly atRisk: number
  /** People whose phones were told so. */
  readonly atRiskIds: readonly number[]
  readonly seconds: number
}

interface Told {
  readonly trace: Trace
  readonly world: Constellation
  readonly phones: ReadonlyMap<number, LabPhone>
  readonly declared: readonly number[]
  readonly seconds: number
}

export async function resultOf({ trace, world, phones, declared, seconds }: Told): Promise<ReplayResult> {
  const country = world.countries[0]!
  const { counts } = country.deps
  const exposedIds = [...(await exposuresOfPeople(world, phones)).keys()]
  const atRiskIds = [...phones]
    .filter(([, phone]) => phone.notices.some(({ what }) => what === 'atRisk'))
    .map(([id]) => id)
  const pairs = [...phones.values()].map((phone) => identifiersIn(phone).size)
  return {
    people: trace.people.length,
    registered: counts.get('registered') ?? 0,
    records: trace.times.length,
    receiverEbidPairs: pairs.reduce((sum, size) => sum + size, 0),
    declared: declared.length,
    itemsUploaded: counts.get('upload.queued') ?? 0,
    itemsAccepted: counts.get('item.accepted') ?? 0,
    itemsRefused: refusedByStep(counts),
    exposed: exposedIds.length,
    exposedIds,
    atRisk: atRiskIds.length,
    atRiskIds,
    seconds,
  }
}

/** The identifiers in a phone's log, each once. */
function identifiersIn(phone: LabPhone): ReadonlySet<string> {
  return new Set(
    phone.log.map(({ item }) => Buffer.from(item.subarray(SIZE.ecc, SIZE.ecc + SIZE.ebid)).toString('hex')),
  )
}

function refusedByStep(counts: ReadonlyMap<string, number>): Record<string, number> {
  const steps: Record<string, number> = {}
  for (const [name, count] of counts) {
    const step = /^item\.refused\.(\d+)\./.exec(name)?.[1]
    if (step !== undefined) steps[step] = (steps[step] ?? 0) + count
  }
  return steps
}

/**
 * The packed exposures of everybody who has any. Reads the store as nobody else may: the lab holds the server's keys and so
 * knows whose identifier is whose.
 */
export async function exposuresOfPeople(
  world: Constellation,
  phones: ReadonlyMap<number, LabPhone>,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const country = world.countries[0]!
  const rows = await country.deps.store.transaction((tx) => tx.exposuresAfter(-1, 2 ** 31 - 1))
  const stored = new Map(rows.map(({ id, exposures }) => [id, exposures]))
  const people = [...phones].map(([id, phone]) => [id, stored.get(permanentIdOf(world, country, phone) ?? -1)] as const)
  return new Map(people.flatMap(([id, exposures]) => (exposures === undefined ? [] : [[id, exposures] as const])))
}

/** ID_A of a phone, which the phone itself never learns: opened with the server key. */
export function permanentIdOf(world: Constellation, country: Country, phone: LabPhone): PermanentId | undefined {
  const at = world.schedule.now()
  const hello = helloAt(phone.state, phone.now())
  const { calendar } = country.deps
  const key = country.deps.robert.serverKeyOf(dayOfEpoch(calendar, epochAt(calendar, at)))
  if (hello === undefined || key === undefined) return undefined
  const block = parseHello(hello).ebid.slice()
  openEbids(key, block)
  return idOfBlock(block, 0)
}
