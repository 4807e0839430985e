// A phone of GAEN under the virtual clock. The code is the one that runs everywhere else; what is here is the world around it.
import {
  DEFAULT_GAEN_PHONE,
  type GaenEvent,
  type GaenHost,
  type GaenNotice,
  type GaenSettings,
  type GaenState,
  type Heard,
  newGaenPhone,
  runGaenEvent,
} from '@vicinity/client/gaen'
import type { UnixSeconds } from '@vicinity/protocol'
import type { GaenWays } from './gaen-country.ts'
import { randomStream } from './random.ts'
import { ORDER, type Schedule } from './schedule.ts'

/** A phone and what its host holds. */
export interface GaenLabPhone {
  readonly name: string
  readonly state: GaenState
  /** The log of what was heard, owned by the host. */
  log: Heard[]
  readonly notices: GaenNotice[]
  /** How often the radio's address changed. */
  rotations: number
  /** Lets an event happen to the phone now and waits until all that follows has settled. */
  readonly happens: (event: GaenEvent) => Promise<void>
}

export function makeGaenPhone(
  seed: number,
  schedule: Schedule,
  country: GaenWays,
  name: string,
  settings: Partial<GaenSettings>,
): GaenLabPhone {
  const random = randomStream(seed, `gaen phone ${name}`)
  let wakeAt: UnixSeconds | undefined
  const phone: GaenLabPhone = {
    name,
    state: newGaenPhone({ ...DEFAULT_GAEN_PHONE, ...country.built, ...settings }),
    log: [],
    notices: [],
    rotations: 0,
    happens: (event) => runGaenEvent({ state: phone.state, random, host }, event, schedule.now()),
  }
  const host: GaenHost = {
    now: schedule.now,
    send: country.send,
    log: {
      keep: (heard) => void phone.log.push(heard),
      forget: (before) => {
        phone.log = phone.log.filter(({ at }) => at >= before)
      },
      all: () => phone.log,
    },
    open: country.open,
    rotateAddress: () => {
      phone.rotations++
    },
    setWake: (at) => {
      wakeAt = at
      schedule.plan(at, ORDER.wake, () => {
        if (wakeAt !== at) return undefined
        wakeAt = undefined
        return phone.happens({ type: 'wake' })
      })
    },
    persist: () => {},
    tell: (notice) => void phone.notices.push(notice),
  }
  return phone
}
