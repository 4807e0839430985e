import { unpackExposures } from '@vicinity/protocol/robert'
import { type Measures, type Polling, rangeOf, sumOf } from './data.ts'
import { dayNow, type Gathered, type PhoneRecord } from './gathered.ts'

export function measure(gathered: Gathered): Measures {
  const { world, input, exposures } = gathered
  const phones = [...gathered.phones.values()]
  const held = phones.map(({ identifiers }) => identifiers.size).sort((a, b) => a - b)
  const metOf = new Map(input.trace.people.map((id, place) => [id, gathered.met[place]!]))
  const warned = phones.filter(({ warnedOn }) => warnedOn !== undefined)
  const unwarned = phones.filter(({ warnedOn }) => warnedOn === undefined)
  const declaring = phones.filter(({ declaringCalls }) => declaringCalls > 0)
  const entries = [...(exposures?.values() ?? [])].flatMap(unpackExposures)
  const counts = world?.countries[0]?.deps.counts
  return {
    epochSeconds: world?.countries[0]?.deps.calendar.epochDuration ?? 0,
    identifiers: { ...rangeOf(held), all: sumOf(held), median: held[Math.floor(held.length / 2)] ?? 0 },
    longestTrack: longestTrack(phones),
    warnedByOne: warned.filter(({ person }) => metOf.get(person) === 1).length,
    requestSizes: [...gathered.requestSizes.values()],
    replySizes: [...gathered.replySizes.values()],
    warned: pollingOf(gathered, warned),
    unwarned: pollingOf(gathered, unwarned),
    declaringCalls: rangeOf(declaring.map(({ declaringCalls }) => declaringCalls)),
    tokensPerDay: rangeOf([...gathered.tokens.values()]),
    tokens: sumOf([...gathered.tokens.values()]),
    codes: counts?.get('code.issued') ?? 0,
    items: { sent: sumOf(phones.map(({ uploads }) => uploads)), dummies: sumOf(phones.map(({ dummies }) => dummies)) },
    exposures: { entries: entries.length, epochs: new Set(entries.map(({ epoch }) => epoch)).size },
  }
}

function longestTrack(phones: readonly PhoneRecord[]): number {
  let longest = 0
  for (const { identifiers } of phones) {
    for (const { first, last } of identifiers.values()) longest = Math.max(longest, last - first)
  }
  return longest
}

/** The first day begins with the registration and the last one is not whole. */
function pollingOf(gathered: Gathered, phones: readonly PhoneRecord[]): Polling {
  return {
    phones: phones.length,
    aDay: rangeOf(phones.flatMap(({ pollsByDay }) => pollsByDay.slice(1, dayNow(gathered)))),
    afterwards: rangeOf(
      gathered.declared.size === 0 ? [] : phones.map(({ polls, polledBefore }) => polls - polledBefore),
    ),
  }
}
