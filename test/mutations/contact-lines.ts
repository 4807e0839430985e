// Broken lines of what happens to a HELLO: ROBERT §5 and §6.2, and of the time in it. What only a batch can get wrong stands in
// batch-lines.ts, what happens at the change of server keys in midnight-lines.ts.
import { MIDNIGHT_LINES } from './midnight-lines.ts'
import { mutationsOf, protocolTests } from './mutation.ts'

const time = mutationsOf('packages/protocol/src/time.ts', protocolTests('time'), [
  {
    step: 'divergence 3: δ on the circle',
    breaks: 'the distance of 16-bit times is linear',
    before: 'return Math.min(forward, 0x10000 - forward)',
    after: 'return Math.abs(a - b)',
  },
  {
    step: 'divergence 2: eras',
    breaks: 'a folded time is always taken for a later one',
    before: 'return near + (forward < range / 2 ? forward : forward - range)',
    after: 'return near + forward',
  },
  {
    step: 'ROBERT §5.1: the 32-bit field',
    breaks: 'times beyond the era are not folded',
    before: 'export const time32 = (time: NtpSeconds): number => modulo(time, 0x100000000)',
    after: 'export const time32 = (time: NtpSeconds): number => time',
  },
  {
    step: 'ROBERT §2.2: NTP time',
    breaks: 'the Unix epoch is a second off in NTP time',
    before: 'export const NTP_MINUS_UNIX = 2_208_988_800',
    after: 'export const NTP_MINUS_UNIX = 2_208_988_799',
  },
  {
    step: 'divergence 4: floor division',
    breaks: 'the epoch of a time is rounded',
    before: 'Math.floor((at - calendar.serviceStart) / calendar.epochDuration) as Epoch',
    after: 'Math.round((at - calendar.serviceStart) / calendar.epochDuration) as Epoch',
  },
  {
    step: 'divergence 4: negative epochs',
    breaks: 'the second before the service is in epoch 0',
    before: 'Math.floor((at - calendar.serviceStart) / calendar.epochDuration) as Epoch',
    after: 'Math.trunc((at - calendar.serviceStart) / calendar.epochDuration) as Epoch',
  },
  {
    step: 'divergence 5: the day of a server key',
    breaks: 'the server key of an epoch is that of its end',
    before: 'export const dayOfEpoch = (calendar: Calendar, of: Epoch): UtcDay => dayOf(epochStart(calendar, of))',
    after: 'export const dayOfEpoch = (calendar: Calendar, of: Epoch): UtcDay => dayOf(epochStart(calendar, of + 1))',
  },
  {
    step: 'divergence 5: the day of a server key',
    breaks: 'a day begins with the epoch that spans midnight',
    before: 'Math.ceil((dayStart(of) - calendar.serviceStart) / calendar.epochDuration) as Epoch',
    after: 'Math.floor((dayStart(of) - calendar.serviceStart) / calendar.epochDuration) as Epoch',
  },
  {
    step: 'ROBERT §6.2 footnote 13',
    breaks: 'the other server key is that of the farther day',
    before: '(dayOf(at) + (modulo(at, DAY_SECONDS) < DAY_SECONDS / 2 ? -1 : 1)) as UtcDay',
    after: '(dayOf(at) + (modulo(at, DAY_SECONDS) < DAY_SECONDS / 2 ? 1 : -1)) as UtcDay',
  },
])

const hello = mutationsOf('packages/protocol/src/robert/hello.ts', protocolTests('hello'), [
  {
    step: 'ROBERT §5.1: the MAC of a HELLO',
    breaks: 'the MAC begins with the code of another message',
    before: 'inputs.setUint8(to, CODE.hello)',
    after: 'inputs.setUint8(to, CODE.status)',
    tests: protocolTests('vectors'),
  },
  {
    step: 'ROBERT §5.1: the MAC of a HELLO',
    breaks: 'the time is not under the MAC',
    before: 'inputs.setUint32(to + 8, hellos.getUint32(offset + 7))',
    after: 'inputs.setUint16(to + 8, hellos.getUint16(offset + 7))',
  },
  {
    step: 'ROBERT §5.1: the MAC of a HELLO',
    breaks: 'the country is not under the MAC',
    before: 'inputs.setUint8(to + 1, hellos.getUint8(offset))',
    after: '',
  },
  {
    step: 'ROBERT §5.1: the MAC of a HELLO',
    breaks: 'two bytes of the EBID are not under the MAC',
    before: 'inputs.setUint32(to + 4, hellos.getUint32(offset + 3))',
    after: 'inputs.setUint32(to + 4, hellos.getUint16(offset + 3))',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'one byte of the MAC is not compared',
    before: 'return macIsValid(authenticationKey, macInput(hello), hello.subarray(MACED, SIZE.hello))',
    after: 'return macIsValid(authenticationKey, macInput(hello), hello.subarray(MACED, SIZE.hello - 1))',
  },
  {
    step: 'ROBERT §5.2 step 3',
    breaks: 'the distance is linear, so honest HELLOs fail at each wrap',
    before: 'return withinTolerance(profile, distance16(helloTime, time16(received)), tolerance)',
    after: 'return withinTolerance(profile, Math.abs(helloTime - time16(received)), tolerance)',
  },
])

const located = mutationsOf('packages/protocol/src/robert/contact.ts', protocolTests('contact'), [
  {
    step: 'ROBERT §6.2 step 1',
    breaks: 'Time is always of the first era',
    before: 'const time = unfold32(view.getUint32(offset + SIZE.hello), near)',
    after: 'const time = view.getUint32(offset + SIZE.hello) as NtpSeconds',
  },
  {
    step: 'ROBERT §6.2 step 2',
    breaks: 'the time of the HELLO is not compared with its reception',
    before: 'const close = withinTolerance(profile, Math.abs(sent - time), parameters.helloTolerance)',
    after: 'const close = true',
  },
  {
    step: 'divergence 3: δ on the circle',
    breaks: 'the distance is linear, so honest items fail at each wrap',
    before: 'const close = withinTolerance(profile, Math.abs(sent - time), parameters.helloTolerance)',
    after:
      'const close = withinTolerance(profile, Math.abs((sent % 65_536) - (time % 65_536)), parameters.helloTolerance)',
  },
  {
    step: 'ROBERT §6.2 step 2',
    breaks: 'an item that is too far from Time goes on',
    before: 'if (!close) routes[k] = CONTACT_REFUSALS.helloTooFarFromTime',
    after: '',
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'the country code is read without the key stream',
    before: 'const countryCode = items[SIZE.item * k]! ^ stream[k]!',
    after: 'const countryCode = items[SIZE.item * k]!',
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'our own items are forwarded where a table of peers names us',
    before:
      'if (routes[k] !== LOCAL || countryCode === context.countryCode || !context.peers.has(countryCode)) continue',
    after: 'if (routes[k] !== LOCAL || !context.peers.has(countryCode)) continue',
  },
  {
    step: 'divergence 16: an unknown country',
    breaks: 'items of countries that we do not know are forwarded',
    before:
      'if (routes[k] !== LOCAL || countryCode === context.countryCode || !context.peers.has(countryCode)) continue',
    after: 'if (routes[k] !== LOCAL || countryCode === context.countryCode) continue',
  },
  {
    step: 'ROBERT §6.2: the order of steps',
    breaks: 'what step 2 refuses is forwarded by step 3',
    before:
      'if (routes[k] !== LOCAL || countryCode === context.countryCode || !context.peers.has(countryCode)) continue',
    after: 'if (countryCode === context.countryCode || !context.peers.has(countryCode)) continue',
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'what is forwarded is of no country',
    before: 'countryCodes[k] = countryCode',
    after: '',
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'what is forwarded is opened all the same',
    before: 'places[c] = routes[itemOf(located, c)] === LOCAL ? place : NO_KEY',
    after: 'places[c] = routes[itemOf(located, c)]! <= FOREIGN ? place : NO_KEY',
  },
  {
    step: 'ROBERT §6.2: the order of steps',
    breaks: 'what step 2 refuses is opened all the same',
    before: 'places[c] = routes[itemOf(located, c)] === LOCAL ? place : NO_KEY',
    after: 'places[c] = routes[itemOf(located, c)] !== FOREIGN ? place : NO_KEY',
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'two epochs of difference pass',
    before: 'fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 1)',
    after: 'fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 2)',
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'one epoch of difference is refused',
    before: 'fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 1)',
    after: 'fits[candidate] = Number(near >= 0 && near === epoch)',
  },
  {
    step: 'divergence 4: negative epochs',
    breaks: 'a Time before the service passes beside epoch 0',
    before: 'fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 1)',
    after: 'fits[candidate] = Number(Math.abs(near - epoch) <= 1)',
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'any difference of epochs passes',
    before: 'fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 1)',
    after: 'fits[candidate] = Number(near >= 0)',
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'the epoch of the emission is compared',
    before: 'received[k] = epochAt(calendar, unixOf(time))',
    after: 'received[k] = epochAt(calendar, unixOf(sent))',
  },
  {
    step: 'divergence 12: the slot',
    breaks: "the slot is that of the uploader's time",
    before: 'emitted[k] = sent',
    after: 'emitted[k] = time',
  },
])

const decided = mutationsOf('packages/protocol/src/robert/contact-decision.ts', protocolTests('contact'), [
  {
    step: 'ROBERT §6.2 step 4',
    breaks: 'without a server key the identifier is said to be unknown',
    before: 'if (epoch === UNOPENED) steps[c] = CONTACT_REFUSALS.noServerKey',
    after: 'if (epoch === UNOPENED) steps[c] = CONTACT_REFUSALS.unknownId',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 5',
    breaks: 'an unknown identifier is refused for its MAC',
    before: 'else if (rows[c]! < 0) steps[c] = CONTACT_REFUSALS.unknownId',
    after: '',
  },
  {
    step: 'ROBERT §6.2: the order of steps',
    breaks: 'an unknown identifier is refused for its epoch',
    before: 'else if (rows[c]! < 0) steps[c] = CONTACT_REFUSALS.unknownId',
    after: 'else if (rows[c]! < 0) steps[c] = CONTACT_REFUSALS.unknownId + Number(fits[c] === 0)',
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'an epoch that does not fit is refused for its MAC',
    before: 'else if (fits[c] === 0) steps[c] = CONTACT_REFUSALS.epochMismatch',
    after: '',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'the MAC is not checked',
    before: 'else if (fit[c] === 0) steps[c] = CONTACT_REFUSALS.macInvalid',
    after: '',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'the fifth byte of the MAC of an item is not compared',
    before: 'fit[candidates[n]!] = Number((first | last) === 0)',
    after: 'fit[candidates[n]!] = Number(first === 0)',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'only the fifth byte of the MAC of an item is compared',
    before: 'fit[candidates[n]!] = Number((first | last) === 0)',
    after: 'fit[candidates[n]!] = Number(last === 0)',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'either part of the MAC of an item is enough',
    before: 'fit[candidates[n]!] = Number((first | last) === 0)',
    after: 'fit[candidates[n]!] = Number((first & last) === 0)',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'the first byte of the MAC of an item is not compared',
    before: 'const first = view.getInt32(mac) ^ macs.getInt32(MAC_BYTES * n)',
    after: 'const first = (view.getInt32(mac) ^ macs.getInt32(MAC_BYTES * n)) & 0xff_ffff',
  },
  {
    step: 'ROBERT §6.2 step 9, footnote 17',
    breaks: 'expired epochs are added, to be purged later',
    before:
      'else if (isExpired(epoch, now, contagious) || epoch > now + 1) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod',
    after: 'else if (epoch > now + 1) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod',
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'epochs that have not come are added',
    before:
      'else if (isExpired(epoch, now, contagious) || epoch > now + 1) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod',
    after: 'else if (isExpired(epoch, now, contagious)) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod',
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'the next epoch, heard from a clock that is ahead, is refused',
    before:
      'else if (isExpired(epoch, now, contagious) || epoch > now + 1) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod',
    after:
      'else if (isExpired(epoch, now, contagious) || epoch > now) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod',
  },
  {
    step: 'divergence 12: the slot',
    breaks: 'the slot is rounded',
    before: 'const slot = Math.floor(into / SLOT_SECONDS)',
    after: 'const slot = Math.round(into / SLOT_SECONDS)',
  },
  {
    step: 'divergence 29: the nearest slot',
    breaks: 'a HELLO sent after its epoch is in a slot that the epoch has not',
    before: 'return slot < 0 ? 0 : slot > last ? last : slot',
    after: 'return slot < 0 ? 0 : slot',
  },
  {
    step: 'divergence 29: the nearest slot',
    breaks: 'a HELLO sent before its epoch is in a negative slot',
    before: 'return slot < 0 ? 0 : slot > last ? last : slot',
    after: 'return slot > last ? last : slot',
  },
])

export const CONTACT_LINES = [...time, ...hello, ...located, ...decided, ...MIDNIGHT_LINES]
