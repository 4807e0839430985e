// A story of GAEN: named people, hours of the day, who was near whom. Everything behind it is the code that ships.
import { advertisementOf, type GaenSettings } from '@vicinity/client/gaen'
import { type Constellation, type Country, constellation, type GaenLabPhone, REPLAY_START } from '@vicinity/lab'
import { DAY_SECONDS, later, type UnixSeconds } from '@vicinity/protocol'
import type { TestType } from '@vicinity/protocol/gaen'
import { storyStore } from './story-store.ts'

/** A phone listens every five minutes and hears whoever is near. */
const SCAN_EVERY = 300
/** dBm of somebody at the same table, and of somebody across a hall. */
export const CLOSE = -60
export const FAR = -100

export class GaenStory implements AsyncDisposable {
  readonly world: Constellation
  readonly #phones = new Map<string, GaenLabPhone>()
  readonly #start: UnixSeconds

  private constructor(world: Constellation) {
    this.world = world
    this.#start = world.schedule.now()
  }

  /** Everybody installs the application at midnight of day 1. */
  static async begin(people: readonly string[], settings: Partial<GaenSettings> = {}): Promise<GaenStory> {
    const store = await storyStore()
    const story = new GaenStory(await constellation({ seed: 1, start: REPLAY_START, countries: [{ store }] }))
    for (const name of people) {
      const phone = story.world.addGaenPhone(name, settings)
      story.#phones.set(name, phone)
      await phone.happens({ type: 'install' })
    }
    return story
  }

  phone(name: string): GaenLabPhone {
    const phone = this.#phones.get(name)
    if (phone === undefined) throw new Error(`${name} carries no phone in this story`)
    return phone
  }

  /** The time of an hour, like `time(2, '09:30')`; day 1 is the first. */
  time(day: number, hour: string): UnixSeconds {
    const [hours = 0, minutes = 0] = hour.split(':').map(Number)
    return later(this.#start, (day - 1) * DAY_SECONDS + hours * 3600 + minutes * 60)
  }

  get country(): Country {
    return this.world.countries[0]!
  }

  get now(): UnixSeconds {
    return this.world.schedule.now()
  }

  until(at: UnixSeconds): Promise<void> {
    if (at < this.now) throw new Error('a story does not go back in time')
    return this.world.schedule.runUntil(at)
  }

  /** Two people stand together from an hour on: each phone hears the other with every scan. */
  async near(a: string, b: string, from: UnixSeconds, minutes: number, strength = CLOSE): Promise<void> {
    for (let at = from; at <= from + minutes * 60; at = later(at, SCAN_EVERY)) {
      await this.until(at)
      await this.#hear(a, b, strength)
      await this.#hear(b, a, strength)
    }
  }

  async #hear(speaker: string, listener: string, strength: number): Promise<void> {
    const advertisement = advertisementOf(this.phone(speaker).state)
    if (advertisement === undefined) return
    const previousScanAt = later(this.now, -SCAN_EVERY)
    await this.phone(listener).happens({ type: 'heard', advertisement, strength, previousScanAt })
  }

  /** The authority gives somebody who was tested a code; the person enters it and consents, or not. */
  async declares(name: string, testType: TestType = 'confirmed', consent = true): Promise<void> {
    await this.enters(name, await this.country.gaen.issueCode(testType), consent)
  }

  async enters(name: string, code: string, consent = true): Promise<void> {
    await this.phone(name).happens({ type: 'declare', code })
    await this.phone(name).happens({ type: 'consent', given: consent })
    await this.until(later(this.now, 600))
  }

  /** So long that what was published is exported, and every phone has looked. */
  async everybodyLooks(): Promise<void> {
    await this.until(later(this.now, 2 * DAY_SECONDS))
  }

  /** What the phone told its user, in order. */
  told(name: string): string[] {
    return this.phone(name).notices.map(({ what }) => what)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world.close()
  }
}
