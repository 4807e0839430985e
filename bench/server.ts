// The back-end of a country on databases as those for data, each demand of its own: what the store lets the flows do, and what comes
// through HTTP. Everything shares the processors: the server, the database, and the phones.
import { randomBytes } from 'node:crypto'
import { memoryKeys } from '@vicinity/server'
import { softwareVault } from '../packages/server/src/vault/software.ts'
import type { Bench, Group } from './group.ts'
import { LONGEST_P99 } from './load.ts'
import type { Times } from './measure.ts'
import { type BackEnd, backEndOf, type Country, makeCountry, withVault } from './server-country.ts'
import { type Databases, databasesOf, ENGINES, type Engine } from './server-databases.ts'
import { measureHttp } from './server-http.ts'
import { measureBatching, measureItems, measureRegistrations, STATUS_REQUESTS } from './server-store.ts'

const USERS = { small: 100_000, large: 1_000_000 } as const
/** Requests that are made for the phones: as many as a ramp to four times what two processors do. */
const HTTP_REQUESTS = 400_000

const ITEMS_A_SECOND: Readonly<Record<Engine, number>> = { PostgreSQL: 15_000, SQLite: 25_000 }
const REGISTRATIONS_A_SECOND = 200
const BATCHED_DEMAND: Readonly<Partial<Record<Engine, number>>> = { PostgreSQL: 5 }
/** An item among ten times as many users costs at most half as much again. */
const GROWTH_DEMAND = 0.667

const atLeast = (perSecond: number, nanoseconds: number): Times => [nanoseconds, 1e9 / perSecond]

const RESULTS = ['status requests', 'knee', 'p99 at half the knee', 'items', 'items, growth', 'registrations'] as const
type Name = (typeof RESULTS)[number]
const nameOf = (name: Name, engine: Engine): string => `${name}, ${engine}`

async function compareServer(bench: Bench): Promise<void> {
  let country: Country | undefined
  for (const engine of ENGINES) {
    if (!RESULTS.some((name) => bench.runs(nameOf(name, engine)))) continue
    const databases = await databasesOf(engine)
    if (databases === undefined) {
      await bench.compare(
        nameOf('status requests', engine),
        'one by one',
        () => 'there is no PostgreSQL 15 or later here',
      )
      continue
    }
    country ??= makeCountry(USERS.large)
    await compareEngine(bench, engine, country, databases).finally(() => databases.close())
  }
}

async function compareEngine(bench: Bench, engine: Engine, country: Country, databases: Databases): Promise<void> {
  const large = await backEndOf(country, USERS.large, await databases.open('large'))
  await bench.compare(
    nameOf('status requests', engine),
    'one by one',
    () => measureBatching(large, 0),
    BATCHED_DEMAND[engine],
  )
  await compareHttp(bench, engine, large)
  if (bench.runs(nameOf('items', engine)) || bench.runs(nameOf('items, growth', engine))) {
    const small = await backEndOf(country, USERS.small, await databases.open('small'))
    const [ofLarge, ofSmall] = await measureItems([large, small])
    const demand = ITEMS_A_SECOND[engine]
    await bench.compare(nameOf('items', engine), `${demand}/s`, () => atLeast(demand, ofLarge!), 1)
    await bench.compare(
      nameOf('items, growth', engine),
      `of ${USERS.small} users`,
      () => [ofLarge!, ofSmall!],
      GROWTH_DEMAND,
    )
    await small.deps.crew.close()
  }
  await compareRegistrations(bench, engine, large)
  await large.deps.crew.close()
}

async function compareHttp(bench: Bench, engine: Engine, large: BackEnd): Promise<void> {
  const names = (['knee', 'p99 at half the knee'] as const).map((name) => nameOf(name, engine))
  if (!names.some((name) => bench.runs(name))) return
  const { knee, points, atHalf } = await measureHttp(large, STATUS_REQUESTS, HTTP_REQUESTS)
  const milliseconds = (time: number | null) => 1e6 * (time ?? Number.POSITIVE_INFINITY)
  await bench.compare(names[0]!, 'half of it', () => [1e9 / knee, 2e9 / knee, points])
  await bench.compare(names[1]!, `${LONGEST_P99} ms`, () => [milliseconds(atHalf.p99), milliseconds(LONGEST_P99)], 1)
}

async function compareRegistrations(bench: Bench, engine: Engine, large: BackEnd): Promise<void> {
  const name = nameOf('registrations', engine)
  const demand = REGISTRATIONS_A_SECOND
  await bench.compare(name, `${demand}/s`, async () => atLeast(demand, await measureRegistrations(large)), 1)
  const vault = softwareVault(memoryKeys(), randomBytes)
  vault.make('registration', 'agreement')
  const behind = await withVault(large.country, large.database, vault)
  const measure = async () => atLeast(demand, await measureRegistrations(behind))
  await bench.compare(name, `${demand}/s, with a vault`, measure, 1)
  await behind.deps.crew.close()
}

export const server: Group = {
  name: 'server',
  results: ENGINES.flatMap((engine) => RESULTS.map((name) => nameOf(name, engine))),
  run: compareServer,
}
