import {
  dayOfEpoch,
  dayStart,
  type Epoch,
  epochAt,
  epochStart,
  LAST_EPOCH,
  ntpOf,
  time16,
  time32,
  type UnixSeconds,
} from '@vicinity/protocol'
import { PARAMETERS, SLOT_SECONDS } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS } from '@vicinity/server'
import { Command } from 'commander'
import { UsageError, wholeNumber } from '../usage.ts'
import { type Fields, hexOf, show, utc } from './fields.ts'

interface EpochOptions {
  readonly at?: UnixSeconds
  readonly epoch?: number
  readonly serviceStart: number
  readonly epochDuration: number
  readonly json?: boolean
}

const LATEST = 2 ** 43
const { least, most, value } = PARAMETERS.epochDuration

export function epochCommand(): Command {
  return new Command('epoch')
    .description('A time in every form that the protocol has for it, and its epoch (ROBERT §3.1)')
    .option('--at <time>', 'ISO 8601 like 2026-03-05T12:00:00Z, or Unix seconds', readTime)
    .option('--epoch <number>', 'the number of an epoch: its first second', wholeNumber('--epoch', 0, LAST_EPOCH))
    .option(
      '--service-start <unix>',
      'Unix time of epoch 0',
      wholeNumber('--service-start', 0, LATEST),
      DEFAULT_SETTINGS.serviceStart,
    )
    .option('--epoch-duration <seconds>', 'length of an epoch', wholeNumber('--epoch-duration', least, most), value)
    .action((options: EpochOptions) => show(inspectEpoch(options), options.json))
}

/** A date without a time is its midnight in UTC; a time needs its zone, so that it is the same everywhere. */
function readTime(text: string): UnixSeconds {
  if (/^\d{1,13}$/.test(text)) return wholeNumber('--at', 0, LATEST)(text) as UnixSeconds
  const zoned = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
  const at = zoned ? Date.parse(text) / 1000 : Number.NaN
  if (Number.isNaN(at)) {
    throw new UsageError(`--at must be like 2026-03-05T12:00:00Z, or Unix seconds, not ${JSON.stringify(text)}`)
  }
  return at as UnixSeconds
}

export function inspectEpoch({ at, epoch: number, serviceStart, epochDuration }: EpochOptions): Fields {
  if ((at === undefined) === (number === undefined)) throw new UsageError('give either --at or --epoch')
  if (epochDuration % SLOT_SECONDS !== 0) {
    throw new UsageError(`--epoch-duration must be a multiple of ${SLOT_SECONDS}, not ${epochDuration}`)
  }
  const calendar = { serviceStart: serviceStart as UnixSeconds, epochDuration }
  const time = at ?? epochStart(calendar, number as Epoch)
  const epoch = epochAt(calendar, time)
  if (epoch < 0) throw new UsageError(`--at is before the start of the service, ${utc(calendar.serviceStart)}`)
  if (epoch > LAST_EPOCH) throw new UsageError(`--at is after epoch ${LAST_EPOCH}, the last of 24 bits`)
  const start = epochStart(calendar, epoch)
  return {
    epoch,
    slot: Math.floor((time - start) / SLOT_SECONDS),
    start: utc(start),
    end: utc(epochStart(calendar, epoch + 1)),
    utcDay: utc(dayStart(dayOfEpoch(calendar, epoch))).slice(0, 10),
    at: utc(time),
    unix: time,
    ntp: ntpOf(time),
    time16: hexOf(time16(ntpOf(time)), 2),
    time32: hexOf(time32(ntpOf(time)), 4),
  }
}
