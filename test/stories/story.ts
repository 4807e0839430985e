// A story: named people, hours of the day, who was near whom. Everything behind it is the code that ships.
import { helloAt } from '@vicinity/client'
import {
  type Constellation,
  type Country,
  type CountryOptions,
  constellation,
  LAB_PARAMETERS,
  type LabPhone,
  ORDER,
  type PhoneOptions,
  permanentIdOf,
  REPLAY_START,
} from '@vicinity/lab'
import { DAY_SECONDS, later, type UnixSeconds } from '@vicinity/protocol'
import {
  type Exposure,
  type Parameters,
  type PermanentId,
  type Profile,
  SPEC,
  unpackExposures,
  withParameters,
} from '@vicinity/protocol/robert'
import { storyStore } from './story-store.ts'

const HEARD_EVERY = 20

export interface StoryOptions {
  /** Who carries the application, and how their phones are. */
  readonly people: Readonly<Record<string, PhoneOptions>>
  readonly parameters?: Partial<Parameters>
  readonly profile?: Profile
  /** Midnight of day 1, or whenever the service begins. */
  readonly start?: UnixSeconds
  /** Where its back-end keeps what outlives it. Default: nowhere. */
  readonly keeping?: Pick<CountryOptions, 'store' | 'keyFiles' | 'tombstones'>
}

export class Story implements AsyncDisposable {
  readonly world: Constellation
  readonly #phones = new Map<string, LabPhone>()
  readonly #start: UnixSeconds

  private constructor(world: Constellation) {
    this.world = world
    this.#start = world.schedule.now()
  }

  /** Everybody installs the application at midnight of day 1. */
  static async begin({
    people,
    parameters = {},
    profile = SPEC,
    start = REPLAY_START,
    keeping = {},
  }: StoryOptions): Promise<Story> {
    const chosen = { ...LAB_PARAMETERS, ...profile.parameters, ...parameters }
    const settings = { profile, parameters: withParameters(chosen) }
    const store = await storyStore()
    const story = new Story(await constellation({ seed: 1, start, countries: [{ store, ...keeping, settings }] }))
    for (const [name, options] of Object.entries(people)) {
      const phone = story.world.addPhone(name, options)
      story.#phones.set(name, phone)
      await phone.happens({ type: 'install' })
    }
    return story
  }

  /** The phone of a person who carries the application. */
  phone(name: string): LabPhone {
    const phone = this.#phones.get(name)
    if (phone === undefined) throw new Error(`${name} carries no phone in this story`)
    return phone
  }

  /** The time of an hour, like `time(2, '09:30')`; day 1 is the first. */
  time(day: number, hour: string): UnixSeconds {
    const [hours = 0, minutes = 0, seconds = 0] = hour.split(':').map(Number)
    return later(this.#start, (day - 1) * DAY_SECONDS + hours * 3600 + minutes * 60 + seconds)
  }

  /** The only country. */
  get country(): Country {
    return this.world.countries[0]!
  }

  /** How often something happened on the back-end. */
  counted(what: string): number {
    return this.country.deps.counts.get(what) ?? 0
  }

  get now(): UnixSeconds {
    return this.world.schedule.now()
  }

  until(at: UnixSeconds): Promise<void> {
    if (at < this.now) throw new Error('a story does not go back in time')
    return this.world.schedule.runUntil(at)
  }

  /** Two people stand together: each phone hears the other every 20 s. People without a phone are near in vain. */
  async near(a: string, b: string, { from, minutes }: { from: UnixSeconds; minutes: number }): Promise<void> {
    const pair = [this.#phones.get(a), this.#phones.get(b)] as const
    for (let at = from; at < from + minutes * 60; at = later(at, HEARD_EVERY)) {
      await this.until(at)
      await this.#hear(pair[0], pair[1])
      await this.#hear(pair[1], pair[0])
    }
  }

  async #hear(speaker: LabPhone | undefined, listener: LabPhone | undefined): Promise<void> {
    const hello = speaker?.isOff === false ? helloAt(speaker.state, speaker.now()) : undefined
    if (hello !== undefined) await listener?.happens({ type: 'heard', hello })
  }

  switchOff(name: string): void {
    this.phone(name).isOff = true
  }

  async switchOn(name: string): Promise<void> {
    this.phone(name).isOff = false
    await this.phone(name).happens({ type: 'wake' })
  }

  /** Somebody sets the clock of a phone: so many seconds ahead of the right time. */
  async setClock(name: string, skew: number): Promise<void> {
    this.phone(name).skew = skew
    await this.phone(name).happens({ type: 'wake' })
  }

  /** The authority gives a code for a contagious window. */
  async codeFor(contagiousFrom: UnixSeconds, contagiousTo: UnixSeconds): Promise<string> {
    return (await this.country.authority('issueCode', { contagiousFrom, contagiousTo })).code
  }

  /** The authority gives a diagnosed person a code for the days before; the person consents; everything is sent and applied. */
  async declares(name: string, { days = 7, consent = true } = {}): Promise<void> {
    await this.declaresWith(name, await this.codeFor(later(this.now, -days * DAY_SECONDS), later(this.now, 1)), consent)
  }

  async declaresWith(name: string, code: string, consent = true): Promise<void> {
    await this.phone(name).happens({ type: 'declare', code })
    await this.phone(name).happens({ type: 'consent', given: consent })
    await this.until(later(this.now, 3 * LAB_PARAMETERS.uploadSpread))
  }

  /** So long that every phone has asked once more. */
  async everybodyAsks(): Promise<void> {
    await this.until(later(this.now, LAB_PARAMETERS.pollInterval + LAB_PARAMETERS.pollJitter + 60))
  }

  isWarned(name: string): boolean {
    return this.phone(name).notices.some(({ what }) => what === 'atRisk')
  }

  /** What the phone told its user, in order. */
  told(name: string): string[] {
    return this.phone(name).notices.map(({ what }) => what)
  }

  /** ID_A of a person who broadcasts now. */
  idOf(name: string): PermanentId {
    const id = permanentIdOf(this.world, this.country, this.phone(name))
    if (id === undefined) throw new Error(`${name} does not broadcast`)
    return id
  }

  /** LEE of a person who broadcasts now, read from the store. */
  exposures(name: string): Promise<Exposure[]> {
    return this.exposuresOf(this.idOf(name))
  }

  async exposuresOf(id: PermanentId): Promise<Exposure[]> {
    const rows = await this.country.deps.store.transaction((tx) => tx.exposuresAfter(-1, 1000))
    return unpackExposures(rows.find((row) => row.id === id)?.exposures ?? new Uint8Array())
  }

  /** Plans something for a time while the story goes on. */
  plan(at: UnixSeconds, run: () => void | Promise<void>): void {
    this.world.schedule.plan(at, ORDER.plan, run)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world.close()
  }
}
