import type { DepartureVerbs } from './departures.ts'
import type { Query } from './postgres-transaction.ts'

export const POSTGRES_DEPARTURE_SQL = {
  generation: 'select number from generation',
  setGeneration: `insert into generation(one, number) values (1, $1) on conflict(one) do update set number = excluded.number`,
  noteDeparture: `insert into departed(mark) select mark from unnest($1::bytea[]) m(mark)
    where mark <> '\\x00000000000000000000000000000000' order by mark on conflict do nothing`,
  departures: 'select mark from departed order by mark limit $1',
  forgetDeparture: 'delete from departed where mark = any($1::bytea[])',
} as const

export const postgresDepartureVerbs = (query: Query): DepartureVerbs => ({
  async generation() {
    return ((await query('generation')).rows[0]?.['number'] as number | undefined) ?? 0
  },
  async setGeneration(generation) {
    await query('setGeneration', [generation])
  },
  async noteDepartures(marks) {
    await query('noteDeparture', [marks])
  },
  async departures(limit) {
    return (await query('departures', [limit])).rows.map((row) => row['mark'] as Uint8Array)
  },
  async forgetDepartures(marks) {
    await query('forgetDeparture', [marks])
  },
})
