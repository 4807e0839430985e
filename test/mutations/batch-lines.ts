// Broken lines of batches: columns mixed up, the key table misread, candidates sorted wrong. One item alone would come through.
import { mutationsOf, protocolTests } from './mutation.ts'

const BATCHES = protocolTests('contact', 'contact-batch-of-many')

const located = mutationsOf('packages/protocol/src/robert/contact.ts', BATCHES, [
  {
    step: 'a batch: rows of items',
    breaks: 'the rows of a batch are as long as a HELLO',
    before: 'const offset = SIZE.item * k',
    after: 'const offset = SIZE.hello * k',
  },
  {
    step: 'a batch: rows of items',
    breaks: 'half of the EBID of an item is read twice',
    before: 'words[2 * k + 1] = view.getInt32(offset + SIZE.ecc + 4, LITTLE_ENDIAN)',
    after: 'words[2 * k + 1] = view.getInt32(offset + SIZE.ecc, LITTLE_ENDIAN)',
  },
  {
    step: 'a batch: rows of items',
    breaks: 'the halves of an EBID are read backwards',
    before: 'const LITTLE_ENDIAN = true',
    after: 'const LITTLE_ENDIAN = false',
  },
  {
    step: 'a batch: columns',
    breaks: 'every country code is read with the key stream of the first item',
    before: 'const countryCode = items[SIZE.item * k]! ^ stream[k]!',
    after: 'const countryCode = items[SIZE.item * k]! ^ stream[0]!',
  },
  {
    step: 'a batch: columns',
    breaks: 'every item is tried with the keys of the first',
    before: 'for (let k = 0; k < count; k++) days[k] = dayOf(unixOf(times[k] as NtpSeconds))',
    after: 'for (let k = 0; k < count; k++) days[k] = dayOf(unixOf(times[0] as NtpSeconds))',
  },
  {
    step: 'a batch: columns',
    breaks: 'the EBIDs that are opened are those of other items',
    before: 'to[2 * n] = from[2 * k]!',
    after: 'to[2 * n] = from[2 * (n >> 1)]!',
  },
  {
    step: 'a batch: columns',
    breaks: 'what was opened is read by candidate, not by place',
    before: 'const epoch = epochInView(view, n)',
    after: 'const epoch = epochInView(view, candidate)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the identifier that was opened is that of another candidate',
    before: 'ids[candidate] = idInView(view, n)',
    after: 'ids[candidate] = idInView(view, candidate)',
  },
  {
    step: 'a batch: columns',
    breaks: 'identifiers are written by place, not by candidate',
    before: 'ids[candidate] = idInView(view, n)',
    after: 'ids[n] = idInView(view, n)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the epoch is compared with the reception of another item',
    before: 'const near = received[itemOf(located, candidate)]!',
    after: 'const near = received[itemOf(located, n)]!',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: 'every EBID is opened with the key of the first day',
    before: 'openEbids(keys[key]!, blocks.subarray(SIZE.ebid * starts[key]!, SIZE.ebid * starts[key + 1]!))',
    after: 'openEbids(keys[0]!, blocks.subarray(SIZE.ebid * starts[key]!, SIZE.ebid * starts[key + 1]!))',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: 'a key opens the EBIDs of the keys after it as well',
    before: 'openEbids(keys[key]!, blocks.subarray(SIZE.ebid * starts[key]!, SIZE.ebid * starts[key + 1]!))',
    after: 'openEbids(keys[key]!, blocks.subarray(SIZE.ebid * starts[key]!))',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: 'a key is known by the place of the one before',
    before: 'const place = known.get(day) ?? (key === undefined ? NO_KEY : keys.push(key) - 1)',
    after: 'const place = known.get(day) ?? (key === undefined ? NO_KEY : Math.max(keys.push(key) - 2, 0))',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: 'every day has the key of the first day that was asked for',
    before: 'const place = known.get(day) ?? (key === undefined ? NO_KEY : keys.push(key) - 1)',
    after: 'const place = known.values().next().value ?? (key === undefined ? NO_KEY : keys.push(key) - 1)',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: "days that meet in the table of recent ones have each other's key",
    before: 'const place = recentDays[slot] === days[c] ? recent[slot]! : ask(days[c]!)',
    after: 'const place = recentDays[slot] !== NO_DAY ? recent[slot]! : ask(days[c]!)',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: 'a key is asked for again whenever its day comes back',
    before: 'known.set(day, place)',
    after: '',
  },
  {
    step: 'a batch: K_S of each day',
    breaks: 'the key of a recent day is that of the one before in its place',
    before: 'recent[day & (RECENT - 1)] = place',
    after: 'recent[day & (RECENT - 1)] ||= place',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'the counts of the keys are not added up',
    before: 'for (let key = 0; key < keys.length; key++) starts.push(starts[key]! + sizes[key + 1]!)',
    after: 'for (let key = 0; key < keys.length; key++) starts.push(sizes[key + 1]!)',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'the counts stand a key too early',
    before: 'for (let key = 0; key < keys.length; key++) starts.push(starts[key]! + sizes[key + 1]!)',
    after: 'for (let key = 0; key < keys.length; key++) starts.push(starts[key]! + sizes[key]!)',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'where the keys begin moves while candidates are placed',
    before: 'const next = Int32Array.from(starts)',
    after: 'const next = starts',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'the candidates of a key are written over each other',
    before: 'if (place !== NO_KEY) candidates[next[place]!++] = c',
    after: 'if (place !== NO_KEY) candidates[next[place]!] = c',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'candidates without a key take the place of others',
    before: 'if (place !== NO_KEY) candidates[next[place]!++] = c',
    after: 'candidates[next[Math.max(place, 0)]!++] = c',
  },
])

const decided = mutationsOf('packages/protocol/src/robert/contact-decision.ts', BATCHES, [
  {
    step: 'the key table',
    breaks: 'who has the first row is nobody',
    before: 'for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n]!) ?? -1',
    after: 'for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n]!) || -1',
  },
  {
    step: 'the key table',
    breaks: 'who is in no row has the first',
    before: 'for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n]!) ?? -1',
    after: 'for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n]!) ?? 0',
  },
  {
    step: 'the key table',
    breaks: 'the row is that of the other candidate',
    before: 'for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n]!) ?? -1',
    after: 'for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n ^ 1]!) ?? -1',
  },
  {
    step: 'the key table',
    breaks: 'every user has the first row',
    before: 'rowOf.set(id, rowOf.size)',
    after: 'rowOf.set(id, 0)',
  },
  {
    step: 'the key table',
    breaks: 'a key stands in the row of the one before',
    before: 'keys.set(key, SIZE.key * rowOf.size)',
    after: 'keys.set(key, SIZE.key * Math.max(rowOf.size - 1, 0))',
  },
  {
    step: 'the key table',
    breaks: 'an erased table still makes MACs',
    before: 'erase: () => void table.fill(0),',
    after: 'erase: () => void keys.fill(0),',
  },
  {
    step: 'a batch: columns',
    breaks: 'the key of a MAC is that of another candidate',
    before: 'keyRows[n] = rows[candidates[n]!]!',
    after: 'keyRows[n] = rows[n]!',
  },
  {
    step: 'a batch: columns',
    breaks: 'the HELLO under a MAC is that of another item',
    before: 'writeHelloMacInput(written, n, view, SIZE.item * itemOf(located, candidates[n]!))',
    after: 'writeHelloMacInput(written, n, view, SIZE.item * n)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the MAC that is compared is that of another item',
    before: 'const mac = SIZE.item * itemOf(located, candidates[n]!) + SIZE.hello - SIZE.helloMac',
    after: 'const mac = SIZE.item * n + SIZE.hello - SIZE.helloMac',
  },
  {
    step: 'a batch: columns',
    breaks: 'every MAC is compared with the first',
    before: 'const first = view.getInt32(mac) ^ macs.getInt32(MAC_BYTES * n)',
    after: 'const first = view.getInt32(mac) ^ macs.getInt32(0)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the fifth byte of every MAC is compared with that of the first',
    before: 'const last = view.getUint8(mac + 4) ^ macs.getUint8(MAC_BYTES * n + 4)',
    after: 'const last = view.getUint8(mac + 4) ^ macs.getUint8(4)',
  },
  {
    step: 'a batch: columns',
    breaks: 'what fits is written by place, not by candidate',
    before: 'fit[candidates[n]!] = Number((first | last) === 0)',
    after: 'fit[n] = Number((first | last) === 0)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the last candidate that is known has its MAC not made',
    before: 'known += Number(rows[c]! >= 0) & fits[c]!',
    after: 'known += Number(rows[c]! >= 0) & fits[c]! & Number(c < rows.length - 2)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the user is that of another candidate',
    before: 'ids[k] = found[candidate]!',
    after: 'ids[k] = found[k]!',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'a batch: columns',
    breaks: 'the slot is that of the first item',
    before: 'const slot = slotOf(calendar, emitted[k] as NtpSeconds, epochs[candidate]!, lastSlot)',
    after: 'const slot = slotOf(calendar, emitted[0] as NtpSeconds, epochs[candidate]!, lastSlot)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the weight is that of the first item',
    before: 'writeExposure(exposures, k, epochs[candidate]!, slot, weights[items[SIZE.item * (k + 1) - 1]!]!)',
    after: 'writeExposure(exposures, k, epochs[candidate]!, slot, weights[items[SIZE.item - 1]!]!)',
  },
  {
    step: 'a batch: columns',
    breaks: 'exposures are written over each other',
    before: 'writeExposure(exposures, k, epochs[candidate]!, slot, weights[items[SIZE.item * (k + 1) - 1]!]!)',
    after: 'writeExposure(exposures, 0, epochs[candidate]!, slot, weights[items[SIZE.item * (k + 1) - 1]!]!)',
  },
  {
    step: 'a batch: columns',
    breaks: 'to decide changes what was located',
    before: 'routes: routes.slice(),',
    after: 'routes,',
  },
])

const rows = [
  ...mutationsOf('packages/protocol/src/kernels/hmac.ts', protocolTests('kernels'), [
    {
      step: 'a batch: MACs from midstates',
      breaks: 'the second call of the kernel has the rows of the first',
      before: 'const row = ROW_WORDS * rows[from + n]!',
      after: 'const row = ROW_WORDS * rows[n]!',
    },
    {
      step: 'a batch: MACs from midstates',
      breaks: 'message k is under row k, whatever row was asked for',
      before: 'const row = ROW_WORDS * rows[from + n]!',
      after: 'const row = ROW_WORDS * (from + n)',
    },
    {
      step: 'a batch: MACs from midstates',
      breaks: 'a table that does not begin its buffer is read from there all the same',
      before: 'const words = new BigInt64Array(table.buffer, table.byteOffset, table.length / 8)',
      after: 'const words = new BigInt64Array(table.buffer, 0, table.length / 8)',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/hello.ts', protocolTests('contact-batch-of-many'), [
    {
      step: 'a batch: rows of MAC inputs',
      breaks: 'the inputs of MACs are written over each other',
      before: 'const to = HELLO_MAC_INPUT * row',
      after: 'const to = HELLO_MAC_INPUT * 0',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/risk.ts', protocolTests('risk'), [
    {
      step: 'a batch: rows of exposures',
      breaks: 'every exposure is written in the first row',
      before: 'rows.setUint32(SIZE.exposure * row, (epoch << 8) | (slot << 6) | weight)',
      after: 'rows.setUint32(0, (epoch << 8) | (slot << 6) | weight)',
      tests: protocolTests('contact-batch-of-many'),
    },
    {
      step: 'ROBERT §3.2.1: LEE',
      breaks: 'epochs from 65,536 on lose their top byte',
      before: 'rows.setUint32(SIZE.exposure * row, (epoch << 8) | (slot << 6) | weight)',
      after: 'rows.setUint32(SIZE.exposure * row, ((epoch & 0xffff) << 8) | (slot << 6) | weight)',
    },
    {
      step: 'ROBERT §3.2.1: LEE',
      breaks: 'slot and weight share bits',
      before: 'rows.setUint32(SIZE.exposure * row, (epoch << 8) | (slot << 6) | weight)',
      after: 'rows.setUint32(SIZE.exposure * row, (epoch << 8) | (slot << 5) | weight)',
    },
  ]),
  ...mutationsOf('packages/protocol/src/bytes.ts', protocolTests('bytes'), [
    {
      step: 'numbers of 1 to 6 bytes',
      breaks: 'numbers beyond 32 bits lose their top',
      before: 'return joined(bytes, offset, length - 3) * 0x1000000 + joined(bytes, offset + length - 3, 3)',
      after: 'return ((joined(bytes, offset, length - 3) << 24) | joined(bytes, offset + length - 3, 3)) >>> 0',
    },
    {
      step: 'numbers of 1 to 6 bytes',
      breaks: 'a number that does not fit is written all the same',
      before: 'if (!(Number.isSafeInteger(value) && value >= 0 && value < 256 ** length)) {',
      after: 'if (!Number.isSafeInteger(value)) {',
    },
  ]),
]

export const BATCH_LINES = [...located, ...decided, ...rows]
