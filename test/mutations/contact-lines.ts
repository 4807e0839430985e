// Broken lines of what happens to a HELLO: ROBERT §5 and §6.2, and of the time in it. What only a batch can get wrong stands in
// batch-lines.ts.
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
    after: 'if (!close) located.countryCodes[k] = CONTACT_REFUSALS.helloTooFarFromTime',
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
    before: 'if (routes[k] !== LOCAL) continue',
    after: 'if (routes[k] > FOREIGN) continue',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the key of the neighbour day is not tried',
    before: 'places[CANDIDATES * k + 1] = placeOf(neighbourDay(time))',
    after: 'places[CANDIDATES * k + 1] = placeOf(dayOf(time))',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the key of the day of Time is not tried',
    before: 'places[CANDIDATES * k] = placeOf(dayOf(time))',
    after: 'places[CANDIDATES * k] = placeOf(neighbourDay(time))',
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'every day has the key of the first day that was asked for',
    before: 'const found = known.get(day)',
    after: 'const found = known.values().next().value',
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
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'where neither key gives the epoch one identifier is not looked up',
    before: 'if (fits[first]! > fits[second]!) ids[second] = NO_ID',
    after: 'if (fits[first]! >= fits[second]!) ids[second] = NO_ID',
  },
  {
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'the identifier that fits its epoch is the one that is not looked up',
    before: 'if (fits[first]! > fits[second]!) ids[second] = NO_ID',
    after: 'if (fits[first]! > fits[second]!) ids[first] = NO_ID',
  },
  {
    step: 'divergence 30: step 6 ahead of step 5',
    breaks: 'the first key costs a look-up where the second made the EBID',
    before: 'else if (fits[second]! > fits[first]!) ids[first] = NO_ID',
    after: '',
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
    before: 'if (epoch === UNOPENED) return CONTACT_REFUSALS.noServerKey',
    after: '',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 5',
    breaks: 'an unknown identifier is refused for its MAC',
    before: 'if (rows[candidate]! < 0) return CONTACT_REFUSALS.unknownId',
    after: '',
  },
  {
    step: 'ROBERT §6.2: the order of steps',
    breaks: 'an unknown identifier is refused for its epoch',
    before: 'if (rows[candidate]! < 0) return CONTACT_REFUSALS.unknownId',
    after: 'if (rows[candidate]! < 0) return CONTACT_REFUSALS.unknownId + Number(fits[candidate] === 0)',
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'an epoch that does not fit is refused for its MAC',
    before: 'if (fits[candidate] === 0) return CONTACT_REFUSALS.epochMismatch',
    after: '',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'the MAC is not checked',
    before: 'if (fit[candidate] === 0) return CONTACT_REFUSALS.macInvalid',
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
    step: 'ROBERT §6.2 footnotes 15 and 16',
    breaks: 'the second key counts only where the first opened an unknown identifier',
    before: 'const second = first === LOCAL ? LOCAL : refusingStep(located, rows, fit, 2 * k + 1, now, contagious)',
    after:
      'const second = first !== CONTACT_REFUSALS.unknownId ? first : refusingStep(located, rows, fit, 2 * k + 1, now, contagious)',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the second key is not tried',
    before: 'const second = first === LOCAL ? LOCAL : refusingStep(located, rows, fit, 2 * k + 1, now, contagious)',
    after: 'const second = first',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'of two keys the refusal of the earlier step is reported',
    before: 'verdicts.routes[k] = Math.max(first, second)',
    after: 'verdicts.routes[k] = Math.min(first, second)',
    tests: protocolTests('contact', 'contact-keys'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'of two keys the refusal of the first is reported',
    before: 'verdicts.routes[k] = Math.max(first, second)',
    after: 'verdicts.routes[k] = first',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'of two keys the refusal of the second is reported',
    before: 'verdicts.routes[k] = Math.max(first, second)',
    after: 'verdicts.routes[k] = second',
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the exposure is that of the first key, whichever fits',
    before: 'const accepted = first === LOCAL ? 2 * k : 2 * k + 1',
    after: 'const accepted = 2 * k',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 footnotes 14 to 16',
    breaks: 'the epoch is that of the first key, whichever fits',
    before: 'writeExposure(verdicts.exposures, k, epochs[accepted]!, slot, weight)',
    after: 'writeExposure(verdicts.exposures, k, epochs[2 * k]!, slot, weight)',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 9, footnote 17',
    breaks: 'expired epochs are added, to be purged later',
    before: 'const outside = isExpired(epoch, now, contagious) || epoch > now + 1',
    after: 'const outside = epoch > now + 1',
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'epochs that have not come are added',
    before: 'const outside = isExpired(epoch, now, contagious) || epoch > now + 1',
    after: 'const outside = isExpired(epoch, now, contagious)',
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'the next epoch, heard from a clock that is ahead, is refused',
    before: 'const outside = isExpired(epoch, now, contagious) || epoch > now + 1',
    after: 'const outside = isExpired(epoch, now, contagious) || epoch > now',
  },
  {
    step: 'divergence 12: the slot',
    breaks: 'the slot is rounded',
    before: 'return Math.min(Math.max(Math.floor(into / SLOT_SECONDS), 0), last)',
    after: 'return Math.min(Math.max(Math.round(into / SLOT_SECONDS), 0), last)',
  },
  {
    step: 'divergence 29: the nearest slot',
    breaks: 'a HELLO sent after its epoch is in a slot that the epoch has not',
    before: 'return Math.min(Math.max(Math.floor(into / SLOT_SECONDS), 0), last)',
    after: 'return Math.max(Math.floor(into / SLOT_SECONDS), 0)',
  },
  {
    step: 'divergence 29: the nearest slot',
    breaks: 'a HELLO sent before its epoch is in a negative slot',
    before: 'return Math.min(Math.max(Math.floor(into / SLOT_SECONDS), 0), last)',
    after: 'return Math.min(Math.floor(into / SLOT_SECONDS), last)',
  },
])

export const CONTACT_LINES = [...time, ...hello, ...located, ...decided]
