// Times calls of several classes in turns: in every round each class once, in an order that is drawn.
import { drawBelow, type Random } from '@vicinity/protocol'

/** What a class is for: it must be like the others, it is told only, or it is one of the two controls. */
export type Part = 'alike' | 'reported' | 'null control' | 'leak'

export interface TimedClass {
  readonly name: string
  readonly part: Part
  /** The call of a round, with bytes of its own. What it returns is what is timed. */
  readonly prepare: (round: number) => () => Promise<unknown>
}

export interface World {
  readonly classes: readonly TimedClass[]
  /** Puts everything back as it was before a round: the same work whatever was asked in it. */
  readonly restore: (round: number) => Promise<void>
  /** Other calls at the same time; each timed call begins among them. */
  readonly beside?: () => Promise<unknown>
  readonly close: () => Promise<void>
}

const WARM_ROUNDS = 400
/** Microseconds that the leak of the positive control lasts. */
const LEAK = 20

function wait(microseconds: number): void {
  const until = performance.now() + microseconds / 1000
  while (performance.now() < until);
}

/** Microseconds of each call, by class. */
export async function sample(world: World, rounds: number, random: Random): Promise<readonly Float64Array[]> {
  const times = world.classes.map(() => new Float64Array(rounds))
  const order = world.classes.map((_, k) => k)
  for (let round = -WARM_ROUNDS; round < rounds; round++) {
    shuffle(order, random)
    for (const k of order) {
      const time = await timed(world, world.classes[k]!, round + WARM_ROUNDS)
      if (round >= 0) times[k]![round] = time
    }
    await world.restore(round + WARM_ROUNDS)
  }
  return times
}

async function timed(world: World, { prepare, part }: TimedClass, round: number): Promise<number> {
  const call = prepare(round)
  const others = world.beside?.()
  const start = performance.now()
  await call()
  wait(part === 'leak' ? LEAK : 0)
  const time = 1000 * (performance.now() - start)
  await others
  return time
}

function shuffle(order: number[], random: Random): void {
  for (let k = order.length - 1; k > 0; k--) {
    const other = drawBelow(random, k + 1)
    const held = order[k]!
    order[k] = order[other]!
    order[other] = held
  }
}
