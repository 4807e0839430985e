// What can happen, as plain data: a sequence can be printed, shrunk and run again. Numbers choose among what there is.
import fc from 'fast-check'
import type { Item, Request } from './reference.ts'

export type Command =
  | { readonly do: 'register'; readonly phone: number }
  | { readonly do: 'register twice'; readonly phone: number }
  | { readonly do: 'rejoin'; readonly phone: number }
  | {
      readonly do: 'hear'
      readonly speaker: number
      readonly listener: number
      /** Consecutive slots, each an item; time passes. */
      readonly slots: number
      readonly minutes: number
      readonly strength: number
      /** Seconds from emission to reception. */
      readonly late: number
      /** The identifier is so many epochs off. */
      readonly shift: number
      /** Seconds by which both clocks are ahead. */
      readonly ahead: number
      readonly flaw: Item['flaw']
    }
  | { readonly do: 'tick'; readonly seconds: number }
  | { readonly do: 'reach'; readonly edge: (typeof EDGES)[number]; readonly offset: number }
  | {
      readonly do: 'declare'
      readonly phone: number
      readonly days: number
      readonly consent: boolean
      /** Tokens are asked for the day before. */
      readonly wrongDay: boolean
    }
  | { readonly do: 'declare again'; readonly phone: number }
  | {
      readonly do: 'deliver' | 'lose upload'
      readonly from: number
      readonly count: number
      readonly order: 'forward' | 'reverse' | 'twice'
      readonly flaw: DeliveryFlaw
    }
  | {
      readonly do: 'poll' | 'lose status'
      readonly phone: number
      readonly skew: number
      readonly flaw: Request['flaw']
    }
  | { readonly do: 'resend'; readonly phone: number; readonly back: number }
  | { readonly do: 'acknowledge' | 'lose acknowledge'; readonly phone: number; readonly which: number }
  | { readonly do: 'renew'; readonly phone: number; readonly ahead: number; readonly flaw: Request['flaw'] }
  | { readonly do: 'reset'; readonly phone: number; readonly age: number; readonly token: (typeof TOKENS)[number] }
  | { readonly do: 'unregister'; readonly phone: number }
  | { readonly do: 'delete history'; readonly phone: number }
  | { readonly do: 'rotate' | 'purge' | 'process' }

/** What is changed after the token was made: the item, or one of the token's halves. */
export type DeliveryFlaw = 'none' | 'item' | 'nonce' | 'signature'

/** Moments at which something changes. */
export const EDGES = ['epoch', 'midnight', 'window', 'wrap', 'gap', 'too old', 'expiry', 'end of warning'] as const
export const TOKENS = ['fresh', 'fresh', 'fresh', 'again', 'of another', 'forged'] as const

const DAY = 86_400
const phone = fc.nat(3)
const rarely = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) })

const hear = fc.record({
  do: fc.constant('hear' as const),
  speaker: phone,
  listener: phone,
  slots: fc.integer({ min: 1, max: 6 }),
  minutes: rarely(5, 0, 1, 3, 7),
  strength: rarely(10, 0, 17, 18, 22, 23, 31),
  late: rarely(0, -12, -11, 11, 12, 300, 65_525, 65_536, DAY),
  shift: rarely(0, -2, -1, 1, 2),
  ahead: rarely(0, -900, 300, 900, 1800, 7200),
  flaw: rarely<Item['flaw']>('none', 'mac', 'foreign', 'country'),
})
const deliver = {
  from: fc.nat(30),
  count: fc.integer({ min: 1, max: 12 }),
  order: fc.constantFrom('forward' as const, 'reverse' as const, 'twice' as const),
  flaw: rarely<DeliveryFlaw>('none', 'item', 'nonce', 'signature'),
}
const flaw = rarely<Request['flaw']>('none', 'mac', 'payload', 'epoch')
const poll = { phone, skew: rarely(0, -60, -59, 59, 60), flaw }
const only = <Name extends string>(name: Name) => fc.constant(name)

const times: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Command> }[] = [
  { weight: 3, arbitrary: fc.record({ do: only('tick'), seconds: fc.integer({ min: 1, max: 5400 }) }) },
  { weight: 1, arbitrary: fc.record({ do: only('tick'), seconds: fc.integer({ min: 5400, max: 4 * DAY }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: only('reach'),
      edge: fc.constantFrom(...EDGES),
      offset: fc.constantFrom(-1, 0, 0, 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: only('rotate') }) },
  { weight: 3, arbitrary: fc.record({ do: only('purge') }) },
  { weight: 5, arbitrary: fc.record({ do: only('process') }) },
]
const people: typeof times = [
  { weight: 2, arbitrary: fc.record({ do: only('register'), phone }) },
  { weight: 1, arbitrary: fc.record({ do: only('register twice'), phone }) },
  { weight: 1, arbitrary: fc.record({ do: only('rejoin'), phone }) },
  { weight: 8, arbitrary: hear },
  {
    weight: 5,
    arbitrary: fc.record({
      do: only('declare'),
      phone,
      days: fc.integer({ min: 1, max: 3 }),
      consent: rarely(true, false),
      wrongDay: rarely(false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: only('declare again'), phone }) },
  { weight: 6, arbitrary: fc.record({ do: only('deliver'), ...deliver }) },
  { weight: 1, arbitrary: fc.record({ do: only('lose upload'), ...deliver }) },
]
const requests: typeof times = [
  { weight: 6, arbitrary: fc.record({ do: only('poll'), ...poll }) },
  { weight: 2, arbitrary: fc.record({ do: only('lose status'), ...poll }) },
  { weight: 2, arbitrary: fc.record({ do: only('resend'), phone, back: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: only('acknowledge'), phone, which: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: only('lose acknowledge'), phone, which: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: only('renew'), phone, ahead: fc.integer({ min: -5, max: 300 }), flaw }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: only('reset'),
      phone,
      age: fc.oneof(fc.integer({ min: 0, max: 3600 }), fc.integer({ min: 0, max: 3 * DAY - 1 })),
      token: fc.constantFrom(...TOKENS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: only('unregister'), phone }) },
  { weight: 1, arbitrary: fc.record({ do: only('delete history'), phone }) },
]

export const NAMES: readonly Command['do'][] = [
  'register',
  'register twice',
  'rejoin',
  'hear',
  'tick',
  'reach',
  'declare',
  'declare again',
  'deliver',
  'lose upload',
  'poll',
  'lose status',
  'resend',
  'acknowledge',
  'lose acknowledge',
  'renew',
  'reset',
  'unregister',
  'delete history',
  'rotate',
  'purge',
  'process',
]

export const MOST_COMMANDS = 40

const one = fc.oneof(...times, ...people, ...requests).map((command): readonly Command[] => [command])

/** What seldom comes about by chance: somebody is heard, declared, uploaded, counted, warned. */
const meeting = fc
  .record({
    speaker: phone,
    listener: phone,
    slots: fc.integer({ min: 2, max: 6 }),
    hear,
    upload: fc.record(deliver),
    which: fc.nat(4),
    edge: fc.constantFrom(...EDGES),
    offset: fc.constantFrom(-1, 0, 1),
  })
  .map(({ speaker, listener, slots, hear: heard, upload, which, edge, offset }): readonly Command[] => [
    { do: 'reach', edge, offset },
    { ...heard, speaker, listener, slots },
    { do: 'declare', phone: listener, days: 1, consent: true, wrongDay: false },
    { do: 'deliver', ...upload, from: 0 },
    { do: 'reach', edge: 'window', offset: 0 },
    { do: 'process' },
    { do: 'poll', phone: speaker, skew: 0, flaw: 'none' },
    { do: 'acknowledge', phone: speaker, which },
  ])
/** Something is done on the very second at which its outcome changes. */
const atAnEdge = fc
  .record({ edge: fc.constantFrom(...EDGES), offset: fc.constantFrom(-1, 0, 0, 1), phone, hear })
  .map(({ edge, offset, phone: who, hear: heard }): readonly Command[] => {
    const what = AT_EDGES[edge]
    const poll: Command = { do: 'poll', phone: who, skew: 0, flaw: 'none' }
    return [{ do: 'reach', edge, offset }, what === 'poll' ? poll : what === 'hear' ? heard : { do: what }]
  })
const AT_EDGES = {
  epoch: 'purge',
  midnight: 'rotate',
  window: 'process',
  wrap: 'hear',
  gap: 'poll',
  'too old': 'poll',
  expiry: 'purge',
  'end of warning': 'poll',
} as const satisfies Record<(typeof EDGES)[number], Command['do']>

/** Sequences of up to 40 commands, long ones as likely as short ones. */
export const sequences: fc.Arbitrary<readonly Command[]> = fc
  .array(
    fc.oneof({ weight: 8, arbitrary: one }, { weight: 2, arbitrary: meeting }, { weight: 2, arbitrary: atAnEdge }),
    { minLength: 1, maxLength: MOST_COMMANDS, size: 'max' },
  )
  .map((parts) => parts.flat().slice(0, MOST_COMMANDS))
