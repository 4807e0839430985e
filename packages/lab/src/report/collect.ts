// Gathers the numbers of a report while a replay runs. It only looks: nothing here draws, calls or changes anything.
import type { KeptItem } from '@vicinity/client'
import { api, DAY_SECONDS, type EndpointName, type RequestOf, type ResponseOf, toHex } from '@vicinity/protocol'
import { CODE, SIZE, unpackExposures } from '@vicinity/protocol/robert'
import type { LabPhone } from '../constellation.ts'
import { replaySeconds } from '../replay.ts'
import type { ReplayWatch } from '../replay-options.ts'
import { exposuresOfPeople } from '../replay-result.ts'
import { ORDER } from '../schedule.ts'
import { allContacts, contactsByDay, metCounts } from './contacts.ts'
import type { Outcome, ReportData, RequestKind } from './data.ts'
import { dayNow, type Gathered, newPhoneRecord, type PhoneRecord, type ReportInput, startOf } from './gathered.ts'
import { layOut } from './layout.ts'
import { measure } from './measure.ts'

export interface Collected {
  /** To be given to the replay. */
  readonly watch: ReplayWatch
  /** The report as far as the replay has come; final after `ended`. */
  readonly report: () => ReportData
}

export function collectReport(input: ReportInput): Collected {
  const days = Math.floor(replaySeconds(input.trace) / DAY_SECONDS) + 1
  const contacts = contactsByDay(input.trace, days)
  const all = allContacts(contacts)
  const none = () => new Array<number>(days).fill(0)
  const gathered: Gathered = {
    input,
    days,
    contacts,
    met: metCounts(all, input.trace.people.length),
    places: layOut(input.trace.people.length, all),
    heard: none(),
    kept: none(),
    requests: { status: none(), renew: none(), acknowledge: none(), register: none() },
    dummies: none(),
    midnights: [],
    phones: new Map(),
    requestSizes: new Map(),
    replySizes: new Map(),
    tokens: new Map(),
    declared: new Set(),
    world: undefined,
    exposures: undefined,
    ended: false,
  }
  return { watch: watchFor(gathered), report: () => reportOf(gathered) }
}

function watchFor(gathered: Gathered): ReplayWatch {
  const add = (numbers: number[], count = 1): void => {
    numbers[dayNow(gathered)]! += count
  }
  return {
    begun: (world, phones) => {
      gathered.world = world
      for (const [id, phone] of phones) gathered.phones.set(phone, newPhoneRecord(id, gathered.days))
      const { counts } = world.countries[0]!.deps
      for (let day = 1; day < gathered.days; day++) {
        const midnight = (startOf(world) + day * DAY_SECONDS - 1) as ReturnType<typeof world.schedule.now>
        world.schedule.plan(midnight, ORDER.plan, () => void gathered.midnights.push(new Map(counts)))
      }
    },
    heard: () => add(gathered.heard),
    kept: (phone, items) => {
      add(gathered.kept, items.length)
      keep(gathered.phones.get(phone)!, items)
    },
    called: (phone, endpoint, request) => noteCall(gathered, phone, endpoint, request, add),
    answered: (_phone, endpoint, response) => {
      if (endpoint !== 'request') return
      const { reply } = response as ResponseOf<'request'>
      measureBody(gathered.replySizes, reply, () => api.request.response.encode({ reply }))
    },
    told: (phone, { what }) => {
      const record = gathered.phones.get(phone)!
      if (what === 'atRisk') record.warnedOn ??= dayNow(gathered) + 1
    },
    declared: (person) => {
      if (gathered.declared.size === 0)
        for (const record of gathered.phones.values()) record.polledBefore = record.polls
      gathered.declared.add(person)
    },
    ended: async () => {
      const phones = new Map([...gathered.phones].map(([phone, { person }]) => [person, phone]))
      gathered.exposures = await exposuresOfPeople(gathered.world!, phones)
      gathered.ended = true
    },
  }
}

function keep(record: PhoneRecord, items: readonly KeptItem[]): void {
  for (const { item, time } of items) {
    const identifier = toHex(item.subarray(SIZE.ecc, SIZE.ecc + SIZE.ebid))
    const track = record.identifiers.get(identifier)
    if (track === undefined) record.identifiers.set(identifier, { first: time, last: time })
    else track.last = time
  }
}

/** Base64 of one length has one length, so one sample of each is measured. */
function measureBody(sizes: Map<number, number>, bytes: Uint8Array, encode: () => unknown): void {
  if (!sizes.has(bytes.length)) sizes.set(bytes.length, JSON.stringify(encode()).length)
}

const KIND_OF: Readonly<Record<number, RequestKind>> = {
  [CODE.status]: 'status',
  [CODE.renew]: 'renew',
  [CODE.acknowledge]: 'acknowledge',
}

function noteCall<Name extends EndpointName>(
  gathered: Gathered,
  phone: LabPhone,
  endpoint: Name,
  request: RequestOf<Name>,
  add: (numbers: number[]) => void,
): void {
  const record = gathered.phones.get(phone)!
  if (endpoint === 'request') {
    const bytes = (request as RequestOf<'request'>).request
    record.polls++
    record.pollsByDay[dayNow(gathered)]! += 1
    const kind = KIND_OF[bytes[0]!]
    if (kind !== undefined) add(gathered.requests[kind])
    measureBody(gathered.requestSizes, bytes, () => api.request.request.encode({ request: bytes }))
  } else if (endpoint === 'register') add(gathered.requests.register)
  else if (endpoint === 'redeemCode') {
    const { day, requests } = request as RequestOf<'redeemCode'>
    const key = `${record.person} ${day}`
    gathered.tokens.set(key, (gathered.tokens.get(key) ?? 0) + requests.length)
  }
  if (endpoint === 'codeWindow' || endpoint === 'redeemCode' || endpoint === 'upload') record.declaringCalls++
  if (endpoint === 'upload') noteUpload(phone, record, (request as RequestOf<'upload'>).item, add, gathered.dummies)
}

/** Whether an item is a dummy only its phone knows: it is not in the log of what was heard. */
function noteUpload(
  phone: LabPhone,
  record: PhoneRecord,
  item: Uint8Array,
  add: (numbers: number[]) => void,
  dummies: number[],
): void {
  record.log ??= new Set(phone.log.map((kept) => toHex(kept.item)))
  record.uploads++
  if (record.log.has(toHex(item))) return
  record.dummies++
  add(dummies)
}

function reportOf(gathered: Gathered): ReportData {
  const { input, days } = gathered
  const { declare, adoption, loss, filter, seed, wire } = input.options
  const today = dayNow(gathered)
  const records = new Map([...gathered.phones.values()].map((record) => [record.person, record]))
  const counted = countedByDay(gathered)
  const refused: Record<string, number[]> = {}
  for (const name of counted.keys()) {
    const step = /^item\.refused\.(\d+)\./.exec(name)?.[1]
    if (step === undefined) continue
    const byDay = counted.get(name)!
    refused[step] = (refused[step] ?? new Array<number>(days).fill(0)).map((sum, day) => sum + byDay[day]!)
  }
  return {
    trace: input.name,
    options: { declare, adoption, loss, filter, seed, wire },
    done: gathered.ended,
    day: today + 1,
    days,
    records: input.trace.times.length,
    registered: gathered.world?.countries[0]?.deps.counts.get('registered') ?? 0,
    people: input.trace.people.map((id, place) => ({
      id,
      group: input.groups.get(id),
      ...gathered.places[place]!,
      outcome: outcomeOf(gathered, id, records.get(id)),
      met: gathered.met[place]!,
      items: unpackExposures(gathered.exposures?.get(id) ?? new Uint8Array()).length,
      warnedOn: records.get(id)?.warnedOn,
    })),
    contacts: gathered.contacts.map((pairs, day) =>
      day > today ? [] : pairs.flatMap(({ a, b, seconds }) => [a, b, seconds]),
    ),
    heard: gathered.heard,
    kept: gathered.kept,
    requests: gathered.requests,
    accepted: counted.get('item.accepted') ?? new Array<number>(days).fill(0),
    refused,
    dummies: gathered.dummies,
    measures: measure(gathered),
  }
}

function outcomeOf({ declared, exposures }: Gathered, id: number, record: PhoneRecord | undefined): Outcome {
  if (record === undefined) return 'none'
  if (declared.has(id)) return 'declared'
  if (record.warnedOn !== undefined) return 'warned'
  return exposures?.has(id) === true ? 'exposed' : 'other'
}

/** The back-end's counters as differences from midnight to midnight. */
function countedByDay({ world, midnights, days }: Gathered): Map<string, number[]> {
  const now = world?.countries[0]?.deps.counts ?? new Map<string, number>()
  const states = [new Map<string, number>(), ...midnights, now]
  const byDay = (name: string) =>
    Array.from({ length: days }, (_, day) =>
      states[day + 1] === undefined ? 0 : (states[day + 1]!.get(name) ?? 0) - (states[day]!.get(name) ?? 0),
    )
  return new Map([...now.keys()].map((name) => [name, byDay(name)]))
}
