import { epochAt, LAST_EPOCH, ntpOf, type ResponseOf, type UnixSeconds } from '@vicinity/protocol'
import { type Deps, Unavailable } from '../deps.ts'

/** The time of the back-end and the epoch that it is (ROBERT §3.1). Outside the life of the service there is none. */
export async function clock(deps: Deps, _input: unknown, at: UnixSeconds): Promise<ResponseOf<'clock'>> {
  const { serviceStart, epochDuration } = deps.calendar
  const epoch = epochAt(deps.calendar, at)
  if (epoch < 0) throw new Unavailable('the service has not started')
  if (epoch > LAST_EPOCH) throw new Unavailable('the service has ended')
  return { serverTime: ntpOf(at), epoch, serviceStart, epochDuration }
}
