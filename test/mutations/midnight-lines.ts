// Broken lines of the change of server keys: which of two keys are tried for an item (ROBERT §6.2 step 4, footnotes 13 to 16), and what
// is made of two results.
import { mutationsOf, protocolTests } from './mutation.ts'

const time = mutationsOf('packages/protocol/src/time.ts', protocolTests('time'), [
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'the time before midnight is not near it',
    before: 'return into < seconds || into >= DAY_SECONDS - seconds',
    after: 'return into < seconds',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'the time after midnight is not near it',
    before: 'return into < seconds || into >= DAY_SECONDS - seconds',
    after: 'return into >= DAY_SECONDS - seconds',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'half of the time before midnight is near it',
    before: 'return into < seconds || into >= DAY_SECONDS - seconds',
    after: 'return into < seconds || into >= DAY_SECONDS - seconds / 2',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'half of the time after midnight is near it',
    before: 'return into < seconds || into >= DAY_SECONDS - seconds',
    after: 'return into < seconds / 2 || into >= DAY_SECONDS - seconds',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'near midnight begins a second late',
    before: 'return into < seconds || into >= DAY_SECONDS - seconds',
    after: 'return into < seconds || into > DAY_SECONDS - seconds',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'near midnight ends a second late',
    before: 'return into < seconds || into >= DAY_SECONDS - seconds',
    after: 'return into <= seconds || into >= DAY_SECONDS - seconds',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'before 1970 it is always near midnight',
    before: 'const into = modulo(at, DAY_SECONDS)',
    after: 'const into = at % DAY_SECONDS',
  },
])

const NEAR = 'if (isNearMidnight(unixOf(time), 2 * calendar.epochDuration)) nearMidnight.push(k)'
const located = mutationsOf('packages/protocol/src/robert/contact.ts', protocolTests('contact-midnight'), [
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the other key is tried for one epoch around midnight',
    before: NEAR,
    after: 'if (isNearMidnight(unixOf(time), calendar.epochDuration)) nearMidnight.push(k)',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the other key is tried as if epochs lasted 900 s',
    before: NEAR,
    after: 'if (isNearMidnight(unixOf(time), 2 * 900)) nearMidnight.push(k)',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'near midnight is that of the emission',
    before: NEAR,
    after: 'if (isNearMidnight(unixOf(sent), 2 * calendar.epochDuration)) nearMidnight.push(k)',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the other key is tried all day',
    before: NEAR,
    after: 'nearMidnight.push(k)',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the other key is tried for the items after those near midnight',
    before: NEAR,
    after: 'if (isNearMidnight(unixOf(time), 2 * calendar.epochDuration)) nearMidnight.push(k + 1)',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the key of the neighbour day is not tried',
    before: 'days[count + n] = neighbourDay(unixOf(times[nearMidnight[n]!] as NtpSeconds))',
    after: 'days[count + n] = dayOf(unixOf(times[nearMidnight[n]!] as NtpSeconds))',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the key of the day of Time is not tried',
    before: 'for (let k = 0; k < count; k++) days[k] = dayOf(unixOf(times[k] as NtpSeconds))',
    after: 'for (let k = 0; k < count; k++) days[k] = neighbourDay(unixOf(times[k] as NtpSeconds))',
    tests: protocolTests('contact'),
  },
  {
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'the key that did not make an EBID costs a look-up',
    before: 'dropStrangers(located)',
    after: '',
  },
  {
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'where neither key gives the epoch one identifier is not looked up',
    before: 'if (first > second) ids[count + n] = NO_ID',
    after: 'if (first >= second) ids[count + n] = NO_ID',
  },
  {
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'the identifier that fits its epoch is the one that is not looked up',
    before: 'if (first > second) ids[count + n] = NO_ID',
    after: 'if (first > second) ids[nearMidnight[n]!] = NO_ID',
  },
  {
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'the first key costs a look-up where the second made the EBID',
    before: 'else if (second > first) ids[nearMidnight[n]!] = NO_ID',
    after: '',
  },
])

const CHOICE = 'if (first !== LOCAL && (second === LOCAL || second > first)) chosen[k] = count + n'
const decided = mutationsOf('packages/protocol/src/robert/contact-decision.ts', protocolTests('contact-keys'), [
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the second key is not tried',
    before: CHOICE,
    after: '',
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'what the first key accepts is refused under the second',
    before: CHOICE,
    after: 'if (second === LOCAL || second > first) chosen[k] = count + n',
    tests: protocolTests('contact-midnight'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the second key never accepts',
    before: CHOICE,
    after: 'if (first !== LOCAL && second > first) chosen[k] = count + n',
  },
  {
    step: 'ROBERT §6.2 footnotes 15 and 16',
    breaks: 'the second key counts only where the first opened an unknown identifier',
    before: CHOICE,
    after: 'if (first === CONTACT_REFUSALS.unknownId && (second === LOCAL || second > first)) chosen[k] = count + n',
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'of two keys the refusal of the first is reported',
    before: CHOICE,
    after: 'if (first !== LOCAL && second === LOCAL) chosen[k] = count + n',
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'of two keys the refusal of the second is reported',
    before: CHOICE,
    after: 'if (first !== LOCAL) chosen[k] = count + n',
    tests: protocolTests('contact-midnight'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'of two keys the refusal of the earlier step is reported',
    before: CHOICE,
    after: 'if (first !== LOCAL && second < first) chosen[k] = count + n',
    tests: protocolTests('contact-midnight'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the exposure is that of the first key, whichever fits',
    before: 'const candidate = chosen[k]!',
    after: 'const candidate = k',
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the epoch is that of the first key, whichever fits',
    before: 'writeExposure(exposures, k, epochs[candidate]!, slot, weights[items[SIZE.item * (k + 1) - 1]!]!)',
    after: 'writeExposure(exposures, k, epochs[k]!, slot, weights[items[SIZE.item * (k + 1) - 1]!]!)',
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the slot is that of the epoch under the first key, whichever fits',
    before: 'const slot = slotOf(calendar, emitted[k] as NtpSeconds, epochs[candidate]!, lastSlot)',
    after: 'const slot = slotOf(calendar, emitted[k] as NtpSeconds, epochs[k]!, lastSlot)',
  },
])

const BOTH = protocolTests('contact-batch-of-many', 'contact-midnight')
const batch = [
  ...mutationsOf('packages/protocol/src/robert/contact.ts', BOTH, [
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the second candidates are all of the first item near midnight',
      before: 'candidate < count ? candidate : nearMidnight[candidate - count]!',
      after: 'candidate < count ? candidate : nearMidnight[0]!',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the second candidates are of the first items of the batch',
      before: 'candidate < count ? candidate : nearMidnight[candidate - count]!',
      after: 'candidate < count ? candidate : candidate - count',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the first of the second candidates is of no item',
      before: 'candidate < count ? candidate : nearMidnight[candidate - count]!',
      after: 'candidate <= count ? candidate : nearMidnight[candidate - count]!',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the neighbour day is that of another item',
      before: 'days[count + n] = neighbourDay(unixOf(times[nearMidnight[n]!] as NtpSeconds))',
      after: 'days[count + n] = neighbourDay(unixOf(times[n] as NtpSeconds))',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the candidates that are compared are of two items',
      before: 'const first = fits[nearMidnight[n]!]!',
      after: 'const first = fits[n]!',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the second candidate that is compared is always the first one',
      before: 'const second = fits[count + n]!',
      after: 'const second = fits[count]!',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the last item near midnight has no second candidate',
      before: 'const candidates = count + nearMidnight.length',
      after: 'const candidates = count + Math.max(nearMidnight.length - 1, 0)',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/contact-decision.ts', BOTH, [
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the second key counts for the first items of the batch',
      before: 'const k = nearMidnight[n]!',
      after: 'const k = n',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the step of the second key is that of the first item near midnight',
      before: 'const second = steps[count + n]!',
      after: 'const second = steps[count]!',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'the step of the first key is that of another item',
      before: 'const first = steps[k]!',
      after: 'const first = steps[n]!',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'every item near midnight gets the second candidate of the first',
      before: CHOICE,
      after: 'if (first !== LOCAL && (second === LOCAL || second > first)) chosen[k] = count',
    },
    {
      step: 'a batch: items near midnight among others',
      breaks: 'without a second key the candidate is the first of the batch',
      before: 'for (let k = 0; k < count; k++) chosen[k] = k',
      after: '',
    },
  ]),
]

export const MIDNIGHT_LINES = [...time, ...located, ...decided, ...batch]
