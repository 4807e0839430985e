// What each party has learnt in a run, in words; every number is measured.
import { exposedIn, type Polling, type ReportData, sumOf } from './data.ts'
import { counted, listed, shown, shownRange } from './html.ts'

export interface Party {
  readonly name: string
  /** In a few words what it cannot know. */
  readonly gist: string
  readonly sentences: readonly string[]
}

export function learnt(data: ReportData): Party[] {
  return [neighbour(data), eavesdropper(data), backEnd(data), authority(data), users(data)]
}

function neighbour({ measures }: ReportData): Party {
  const { identifiers, epochSeconds, longestTrack } = measures
  return {
    name: 'A phone near you',
    gist: 'random numbers, never a name',
    sentences: [
      `Every phone changes its number every ${counted(epochSeconds / 60, 'minute')}. All phones together hold ${counted(identifiers.all, 'number')} of others: ${shownRange(identifiers)} each, half of them more than ${shown(identifiers.median)}.`,
      `Two numbers of one person have nothing in common that a phone could see. The longest time over which any phone could follow one number was ${counted(Math.round(longestTrack / 60), 'minute')}.`,
      'Nothing tells it whether a number belongs to somebody who was warned or who fell ill.',
    ],
  }
}

function eavesdropper({ measures }: ReportData): Party {
  const { requestSizes, replySizes, warned, unwarned, declaringCalls } = measures
  const sentences = [
    `It sees when a phone calls, and how many bytes go over the one path that all requests take: ${sizes('request', requestSizes)}, ${sizes('reply', replySizes)}, whatever was asked and answered.`,
    `On a whole day each phone that is not warned made ${shownRange(unwarned.aDay)} calls on it.`,
  ]
  if (warned.phones > 0) {
    sentences.push(
      `Each phone that was warned in the end made ${shownRange(warned.aDay)} a day. From the first declaration to the end of the run it was ${shownRange(warned.afterwards)} calls for a warned phone, ${shownRange(unwarned.afterwards)} for another: ${verdict(warned, unwarned)}`,
    )
  }
  if (declaringCalls.most > 0) {
    sentences.push(
      `A phone that declares can be told: it makes ${shownRange(declaringCalls)} calls on other paths, for its code, its tokens and its items, which nobody else makes. How many of them matter it cannot tell.`,
    )
  }
  return { name: 'Who listens on the network', gist: 'cannot tell who was warned', sentences }
}

const sizes = (what: string, lengths: readonly number[]): string =>
  lengths.length === 1
    ? `every ${what} had ${counted(lengths[0]!, 'byte')}`
    : `there were ${counted(lengths.length, 'size')} of a ${what}`

const inside = (a: Polling['aDay'], b: Polling['aDay']): boolean => a.least >= b.least && a.most <= b.most

function verdict(warned: Polling, unwarned: Polling): string {
  const hidden = inside(warned.aDay, unwarned.aDay) && inside(warned.afterwards, unwarned.afterwards)
  return hidden
    ? 'who was warned is hidden among the others.'
    : 'the two do not coincide in this run, as happens by chance where few phones take part.'
}

function backEnd(data: ReportData): Party {
  const { measures, registered, accepted, refused } = data
  const { exposures, items, epochSeconds } = measures
  const steps = Object.entries(refused).map(([step, days]) => `${shown(sumOf(days))} at step ${step}`)
  const judged = steps.length === 0 ? '' : `, and refused ${listed(steps)} of its checks`
  return {
    name: 'The back-end',
    gist: 'whose number was heard, never by whom',
    sentences: [
      `It keeps ${counted(registered, 'account')}: random numbers with keys, no name and no telephone number.`,
      ...(items.sent === 0
        ? ['No item was sent to it.']
        : [
            `It took ${counted(items.sent, 'item')} one by one, in random order. It accepted ${shown(sumOf(accepted))}${judged}. ${counted(items.dummies, 'item was a dummy', 'items were dummies')}, so it learns how much was heard in all, but not what one person heard.`,
          ]),
      ...(exposures.entries === 0
        ? []
        : [
            `It now holds ${counted(exposures.entries, 'entry', 'entries')}. They say which of ${counted(exposedIn(data), 'account')} was near somebody contagious, and in which of ${counted(exposures.epochs, 'period')} of ${counted(epochSeconds / 60, 'minute')}. They never say near whom: an item names who was heard, not who heard.`,
          ]),
      'Like every server it sees the network address that a call comes from. It stores none, but no relay hides it yet.',
      'The tokens are not blind yet. Until they are, the issuer and the back-end together could link a code to its items, and so a patient to those who were near.',
    ],
  }
}

function authority({ measures }: ReportData): Party {
  const { codes, tokens, tokensPerDay } = measures
  return {
    name: 'The health authority',
    gist: 'who is ill, not whom they met',
    sentences: [
      `It gave out ${counted(codes, 'code')}, to people whose illness it knew already.`,
      tokens === 0
        ? 'No tokens were asked for.'
        : `It gave ${shownRange(tokensPerDay)} tokens for each person and day, ${shown(tokens)} in all: the same number whether somebody met nobody or everybody.`,
      'It sees no contact, and learns neither who was exposed nor who was warned.',
    ],
  }
}

function users(data: ReportData): Party {
  const { warned, unwarned, warnedByOne } = data.measures
  const sentences = [
    `Each of ${counted(data.registered, 'user')} learnt one bit: ${counted(warned.phones, 'phone')} said "at risk", with the day, and ${shown(unwarned.phones)} said nothing.`,
    'No phone says who, where, or at what time of day.',
  ]
  if (warned.phones > 0) {
    sentences.push(
      warnedByOne === 0
        ? 'Whoever met one person only could still guess who it was. Nobody who was warned here met so few.'
        : `Whoever met one person only can guess who it was: here ${shown(warnedByOne)} of the warned.`,
    )
  }
  return { name: 'The users', gist: 'one bit each', sentences }
}
