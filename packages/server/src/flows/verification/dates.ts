import {
  DAY_SECONDS,
  dayOf,
  dayStart,
  Malformed,
  type Outcome,
  refused,
  type UnixSeconds,
  type UtcDay,
} from '@vicinity/protocol'

/** Days before today that symptoms and tests may be of. */
const OLDEST_DAYS = 28

/** YYYY-MM-DD. */
export const dateOf = (day: UtcDay): string => new Date(dayStart(day) * 1000).toISOString().slice(0, 10)

/** Throws `Malformed` for what is no date of the calendar. */
export function parseDate(text: string, field: string): UtcDay {
  const day = Date.parse(`${text}T00:00:00Z`) / (1000 * DAY_SECONDS)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(day) || dateOf(day as UtcDay) !== text) {
    throw new Malformed(field, 'YYYY-MM-DD')
  }
  return day as UtcDay
}

/** A date that may be left out. West of Greenwich a day ends later, so the oldest day is one earlier there. */
export function readDate(
  text: string,
  field: string,
  minutesEast: number,
  at: UnixSeconds,
): Outcome<UtcDay | undefined, 'dateInvalid' | 'dateUnparsable'> {
  if (text === '') return { ok: true, value: undefined }
  try {
    const day = parseDate(text, field)
    const oldest = dayOf(at) - OLDEST_DAYS - (Math.trunc(minutesEast) < 0 ? 1 : 0)
    return day < oldest || day > dayOf(at) ? refused('dateInvalid') : { ok: true, value: day }
  } catch {
    return refused('dateUnparsable')
  }
}

/** Tue, 10 Nov 2020 12:00:00 UTC: RFC 1123 as the deployed server writes it. */
export const rfc1123 = (at: UnixSeconds): string => new Date(at * 1000).toUTCString().replace('GMT', 'UTC')
