// The phones of ROBERT in a replay: they register, hear HELLOs, declare, and ask whether they are at risk.
import { helloAt } from '@vicinity/client'
import { DAY_SECONDS, later } from '@vicinity/protocol'
import type { Constellation, LabPhone } from './constellation.ts'
import { drawFraction } from './random.ts'
import { LAB_PARAMETERS, POLLING_SECONDS, type ReplayOptions, SENDING_SECONDS, type Side } from './replay-options.ts'

/** ROBERT: whoever is near hears the other's HELLO. */
export function robertSide(
  world: Constellation,
  phones: ReadonlyMap<number, LabPhone>,
  lastRecord: number,
  { loss, watch }: ReplayOptions,
): Side {
  const { schedule, countries } = world
  const random = world.random('loss')
  let spokenAt = schedule.now()
  const hellos = new Map<LabPhone, Uint8Array | undefined>()
  const helloOf = (phone: LabPhone) => {
    if (!hellos.has(phone)) hellos.set(phone, helloAt(phone.state, phone.now()))
    return hellos.get(phone)
  }
  return {
    async install() {
      for (const phone of phones.values()) await phone.happens({ type: 'install' })
    },
    async meet(speaker, listener) {
      if (spokenAt !== schedule.now()) hellos.clear()
      spokenAt = schedule.now()
      const hello = helloOf(phones.get(speaker)!)
      if (drawFraction(random) < loss || hello === undefined) return
      watch?.heard(schedule.now())
      await phones.get(listener)!.happens({ type: 'heard', hello })
    },
    /** The authority gives each declared person a code for the whole trace. */
    async declare(people) {
      const contagiousTo = later(schedule.now(), 1)
      const longest = LAB_PARAMETERS.contagiousDays * DAY_SECONDS
      const contagiousFrom = later(contagiousTo, -Math.min(lastRecord + 2, longest))
      for (const id of people) {
        const { code } = await countries[0]!.authority('issueCode', { contagiousFrom, contagiousTo })
        const phone = phones.get(id)!
        watch?.declared(id)
        await phone.happens({ type: 'declare', code })
        await phone.happens({ type: 'consent', given: true })
      }
    },
    /** All is sent and applied; then everybody polls once more. */
    async settle(people) {
      await schedule.runUntil(later(schedule.now(), SENDING_SECONDS))
      for (const id of people) {
        const sent = phones.get(id)!.notices.some((notice) => notice.what === 'declarationSent')
        if (!sent) throw new Error(`the phone of person ${id} has not sent its items in time`)
      }
      await schedule.runUntil(later(schedule.now(), POLLING_SECONDS))
    },
  }
}
