// What happens in a round: everybody does something, at moments that the seed draws, while faults happen.
import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow } from '@vicinity/protocol'
import { declare, type Published, publish } from './patients.ts'
import { acknowledge, askStatus, type CrashPhone, leave, register, type World } from './phones.ts'

/** Those who live on from round to round. */
export interface People {
  readonly phones: CrashPhone[]
  readonly published: Published[]
}

const NEWCOMERS = 3
const PATIENTS = 3
/** Phones that ask in one round. */
const ASKING = 20
/** Moments at which somebody begins, in milliseconds. */
const SPREAD = 900
/** Between two declarations, in milliseconds. */
const PAUSE = 150

/** Resolves when everybody has an answer, or has given up. Patients come until `isCalm`: no fault shall find nobody there. */
export async function runLoad(world: World, people: People, isCalm: () => boolean): Promise<void> {
  const { random, round } = world
  const begin = () => pause(drawBelow(random, SPREAD))
  const present = people.phones.filter(({ left }) => !left)
  const shared: Parameters<typeof declare>[2] = []
  const newcomers = Array.from({ length: NEWCOMERS }, async (_, k) => {
    await begin()
    const phone = await register(world, `${round}-${k}`)
    if (phone !== undefined) people.phones.push(phone)
  })
  const patients = Array.from({ length: PATIENTS }, async () => {
    await pause(drawBelow(random, PAUSE))
    // In the first round there is nobody to meet before somebody came.
    if (present.length === 0) await Promise.all(newcomers)
    do {
      await declare(world, people.phones.filter(({ left }) => !left).slice(-ASKING), shared)
      await pause(PAUSE)
    } while (!isCalm())
  })
  const asking = present.slice(-ASKING).map(async (phone) => {
    await begin()
    await visit(world, phone)
  })
  const earlier = people.published.shift()
  const publishing = [undefined, ...(earlier === undefined ? [] : [earlier])].map(async (revised) => {
    await begin()
    const published = await publish(world, revised)
    if (published !== undefined) people.published.push(published)
  })
  await Promise.all([...newcomers, ...patients, ...asking, ...publishing])
}

/** A phone asks, acknowledges or not, asks again although it is too early, and may leave. */
async function visit(world: World, phone: CrashPhone): Promise<void> {
  const { random } = world
  if (drawBelow(random, 20) === 0) {
    await leave(world, phone)
    return
  }
  await askStatus(world, phone)
  if (phone.warning !== undefined && drawBelow(random, 3) > 0) await acknowledge(world, phone)
  if (drawBelow(random, 3) === 0) await askStatus(world, phone)
  if (drawBelow(random, 40) === 0) {
    await leave(world, phone)
    await askStatus(world, phone)
  }
}
