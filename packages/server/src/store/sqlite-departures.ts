import type { StatementSync } from 'node:sqlite'
import type { DepartureVerbs } from './departures.ts'

export const DEPARTURE_SQL = {
  generation: 'select number from generation',
  setGeneration: `insert into generation(one, number) values (1, ?) on conflict(one) do update set number = excluded.number`,
  noteDeparture: 'insert into departed(mark) select ?1 where ?1 <> zeroblob(16) on conflict do nothing',
  departures: 'select mark from departed order by mark limit ?',
  forgetDeparture: 'delete from departed where mark = ?',
} as const

export const departureVerbs = (statement: (name: keyof typeof DEPARTURE_SQL) => StatementSync): DepartureVerbs => ({
  async generation() {
    return (statement('generation').get()?.['number'] as number | undefined) ?? 0
  },
  async setGeneration(generation) {
    statement('setGeneration').run(generation)
  },
  async noteDepartures(marks) {
    for (const mark of marks) statement('noteDeparture').run(mark)
  },
  async departures(limit) {
    return statement('departures')
      .all(limit)
      .map((row) => row['mark'] as Uint8Array)
  },
  async forgetDepartures(marks) {
    for (const mark of marks) statement('forgetDeparture').run(mark)
  },
})
