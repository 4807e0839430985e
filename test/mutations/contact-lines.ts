// Broken lines of what happens to a HELLO: ROBERT §5 and §6.2, and of the time and the identifiers in it.
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
    before: 'inputs[HELLO_MAC_INPUT * row] = CODE.hello',
    after: 'inputs[HELLO_MAC_INPUT * row] = CODE.status',
    tests: protocolTests('vectors'),
  },
  {
    step: 'ROBERT §5.1: the MAC of a HELLO',
    breaks: 'the time is not under the MAC',
    before: 'inputs.set(hello.subarray(0, MACED), HELLO_MAC_INPUT * row + 1)',
    after: 'inputs.set(hello.subarray(0, MACED - 2), HELLO_MAC_INPUT * row + 1)',
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

const contact = mutationsOf('packages/protocol/src/robert/contact.ts', protocolTests('contact'), [
  {
    step: 'ROBERT §6.2 step 1',
    breaks: 'Time is always of the first era',
    before: 'times.push(unfold32(readUint(items, offset + SIZE.hello, 4), ntpOf(at)))',
    after: 'times.push(readUint(items, offset + SIZE.hello, 4) as NtpSeconds)',
  },
  {
    step: 'ROBERT §6.2 step 2',
    breaks: 'the time of the HELLO is not compared with its reception',
    before: 'if (!timeIsClose(context.profile, helloTime, time, context.parameters.helloTolerance)) {',
    after: 'if (helloTime < 0) {',
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'the country code is read without the key stream',
    before: 'const countryCode = items[offset]! ^ stream',
    after: 'const countryCode = items[offset]!',
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'our own items are forwarded where a table of peers names us',
    before:
      "if (countryCode !== context.countryCode && context.peers.has(countryCode)) return { route: 'foreign', countryCode }",
    after: "if (context.peers.has(countryCode)) return { route: 'foreign', countryCode }",
  },
  {
    step: 'divergence 16: an unknown country',
    breaks: 'items of countries that we do not know are forwarded',
    before:
      "if (countryCode !== context.countryCode && context.peers.has(countryCode)) return { route: 'foreign', countryCode }",
    after: "if (countryCode !== context.countryCode) return { route: 'foreign', countryCode }",
  },
  {
    step: 'ROBERT §6.2 step 4, footnote 13',
    breaks: 'the key of the neighbour day is not tried',
    before: ';[dayOf(time), neighbourDay(time)].forEach((day, candidate) => {',
    after: ';[dayOf(time), dayOf(time)].forEach((day, candidate) => {',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 footnotes 15 and 16',
    breaks: 'the second key counts only where the first opened an unknown identifier',
    before: "if (second.route !== 'refused') return second",
    after: "if (second.route !== 'refused' && first.reason === 'unknownId') return second",
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'two epochs of difference pass',
    before: "if (received < 0 || Math.abs(received - epoch) > 1) return { route: 'refused', reason: 'epochMismatch' }",
    after: "if (received < 0 || Math.abs(received - epoch) > 2) return { route: 'refused', reason: 'epochMismatch' }",
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'one epoch of difference is refused',
    before: "if (received < 0 || Math.abs(received - epoch) > 1) return { route: 'refused', reason: 'epochMismatch' }",
    after: "if (received < 0 || received !== epoch) return { route: 'refused', reason: 'epochMismatch' }",
  },
  {
    step: 'divergence 4: negative epochs',
    breaks: 'a Time before the service passes beside epoch 0',
    before: "if (received < 0 || Math.abs(received - epoch) > 1) return { route: 'refused', reason: 'epochMismatch' }",
    after: "if (Math.abs(received - epoch) > 1) return { route: 'refused', reason: 'epochMismatch' }",
  },
  {
    step: 'ROBERT §6.2 step 6',
    breaks: 'any difference of epochs passes',
    before: "if (received < 0 || Math.abs(received - epoch) > 1) return { route: 'refused', reason: 'epochMismatch' }",
    after: "if (received < 0) return { route: 'refused', reason: 'epochMismatch' }",
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'the MAC is not checked',
    before: "if (!macFits) return { route: 'refused', reason: 'macInvalid' }",
    after: 'void macFits',
  },
  {
    step: 'ROBERT §6.2 step 8',
    breaks: 'one byte of the MAC of an item is taken as it is',
    before: 'const mac = macs.subarray(MAC_BYTES * row, MAC_BYTES * row + SIZE.helloMac)',
    after:
      'const mac = itemAt(located, candidate >> 1).slice(SIZE.hello - SIZE.helloMac, SIZE.hello).fill(macs[MAC_BYTES * row]!, 0, 1)',
  },
  {
    step: 'ROBERT §6.2 step 9, footnote 17',
    breaks: 'expired epochs are added, to be purged later',
    before: "if (expired || epoch > now + 1) return { route: 'refused', reason: 'outsideContagiousPeriod' }",
    after: "if (epoch > now + 1) return { route: 'refused', reason: 'outsideContagiousPeriod' }",
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'epochs that have not come are added',
    before: "if (expired || epoch > now + 1) return { route: 'refused', reason: 'outsideContagiousPeriod' }",
    after: "if (expired) return { route: 'refused', reason: 'outsideContagiousPeriod' }",
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'the next epoch, heard from a clock that is ahead, is refused',
    before: "if (expired || epoch > now + 1) return { route: 'refused', reason: 'outsideContagiousPeriod' }",
    after: "if (expired || epoch > now) return { route: 'refused', reason: 'outsideContagiousPeriod' }",
  },
  {
    step: 'divergence 12: the slot',
    breaks: "the slot is that of the uploader's time",
    before: 'const emitted = unfold16(readUint(item, SIZE.ecc + SIZE.ebid, 2), received)',
    after: 'const emitted = received',
  },
  {
    step: 'divergence 12: the slot',
    breaks: 'the slot is rounded',
    before: 'return Math.min(Math.max(Math.floor(into / SLOT_SECONDS), 0), last)',
    after: 'return Math.min(Math.max(Math.round(into / SLOT_SECONDS), 0), last)',
  },
])

const identifiers = [
  ...mutationsOf('packages/protocol/src/robert/ebid.ts', protocolTests('list', 'vectors'), [
    {
      step: 'ROBERT §4: EBID',
      breaks: 'all epochs of a list have the EBID of the first',
      before: 'writeUint(blocks, SIZE.ebid * k, 3, first + k)',
      after: 'writeUint(blocks, SIZE.ebid * k, 3, first)',
    },
    {
      step: 'ROBERT §4: ECC',
      breaks: 'the key stream is the last byte of the block',
      before: 'return Uint8Array.from({ length: count }, (_, k) => encrypted[16 * k]!)',
      after: 'return Uint8Array.from({ length: count }, (_, k) => encrypted[16 * k + 15]!)',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/list.ts', protocolTests('list'), [
    {
      step: 'divergence 5: one server key a day',
      breaks: 'a list is made with the key of its first day',
      before: 'const key = keys.serverKeyOf(day)',
      after: 'const key = keys.serverKeyOf(dayOfEpoch(keys.calendar, first))',
    },
    {
      step: 'ROBERT §4: ECC',
      breaks: 'the country code is not encrypted',
      before: 'pairs[SIZE.pair * (made + k) + SIZE.ebid] = stream[k]! ^ keys.countryCode',
      after: 'pairs[SIZE.pair * (made + k) + SIZE.ebid] = keys.countryCode',
    },
    {
      step: 'ROBERT §4: identifiers of a status reply',
      breaks: 'a reply carries the day before the last of the bundle',
      before: 'const first = firstEpochOfDay(calendar, today + bundleDays)',
      after: 'const first = firstEpochOfDay(calendar, today + bundleDays - 1)',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/item.ts', protocolTests('item'), [
    {
      step: 'ROBERT §6.1: the item',
      breaks: 'an odd strength falls into the weaker class',
      before: 'return Math.ceil((-Math.min(Math.max(strength, WEAKEST), STRONGEST) - 29) / 2)',
      after: 'return Math.ceil((-Math.min(Math.max(strength, WEAKEST), STRONGEST) - 28) / 2)',
    },
    {
      step: 'divergence 12: what a patient can add',
      breaks: 'seven minutes in a slot of five count',
      before: 'minutes: Math.min(byte & 7, MOST_MINUTES),',
      after: 'minutes: byte & 7,',
    },
  ]),
]

export const CONTACT_LINES = [...time, ...hello, ...contact, ...identifiers]
