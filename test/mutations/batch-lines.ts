// Broken lines of batches: columns mixed up, the key table misread, candidates sorted wrong. One item alone would come through.
import { mutationsOf, protocolTests } from './mutation.ts'

const located = mutationsOf('packages/protocol/src/robert/contact.ts', protocolTests('contact'), [
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
    before: 'const time = unixOf(times[k] as NtpSeconds)',
    after: 'const time = unixOf(times[0] as NtpSeconds)',
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
    before: 'const epoch = epochOfBlock(blocks, n)',
    after: 'const epoch = epochOfBlock(blocks, candidate)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the identifier that was opened is that of another candidate',
    before: 'ids[candidate] = idOfBlock(blocks, n)',
    after: 'ids[candidate] = idOfBlock(blocks, candidate)',
  },
  {
    step: 'a batch: columns',
    breaks: 'identifiers are written by place, not by candidate',
    before: 'ids[candidate] = idOfBlock(blocks, n)',
    after: 'ids[n] = idOfBlock(blocks, n)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the epoch is compared with the reception of another item',
    before: 'const near = received[candidate >> 1]!',
    after: 'const near = received[n >> 1]!',
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
    before: 'return key === undefined ? -1 : keys.push(key) - 1',
    after: 'return key === undefined ? -1 : Math.max(keys.push(key) - 2, 0)',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'the counts of the keys are not added up',
    before: 'for (let key = 0; key < keys; key++) starts[key + 1]! += starts[key]!',
    after: '',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'the counts stand a key too early',
    before: 'for (let c = 0; c < places.length; c++) if (places[c]! >= 0) starts[places[c]! + 1]!++',
    after: 'for (let c = 0; c < places.length; c++) if (places[c]! >= 0) starts[places[c]!]!++',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'where the keys begin moves while candidates are placed',
    before: 'const next = starts.slice()',
    after: 'const next = starts',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'the candidates of a key are written over each other',
    before: 'for (let c = 0; c < places.length; c++) if (places[c]! >= 0) candidates[next[places[c]!]!++] = c',
    after: 'for (let c = 0; c < places.length; c++) if (places[c]! >= 0) candidates[next[places[c]!]!] = c',
  },
  {
    step: 'a batch: candidates sorted by key',
    breaks: 'candidates without a key take the place of others',
    before: 'for (let c = 0; c < places.length; c++) if (places[c]! >= 0) candidates[next[places[c]!]!++] = c',
    after: 'for (let c = 0; c < places.length; c++) candidates[next[Math.max(places[c]!, 0)]!++] = c',
  },
])

const decided = mutationsOf('packages/protocol/src/robert/contact-decision.ts', protocolTests('contact'), [
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
    before: 'writeHelloMacInput(written, n, view, SIZE.item * (candidates[n]! >> 1))',
    after: 'writeHelloMacInput(written, n, view, SIZE.item * n)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the MAC that is compared is that of another item',
    before: 'const mac = SIZE.item * (candidates[n]! >> 1) + SIZE.hello - SIZE.helloMac',
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
    before: 'verdicts.ids[k] = located.ids[accepted]!',
    after: 'verdicts.ids[k] = located.ids[k]!',
  },
  {
    step: 'a batch: columns',
    breaks: 'the slot is that of the first item',
    before: 'const slot = slotOf(calendar, emitted[k] as NtpSeconds, epochs[accepted]!)',
    after: 'const slot = slotOf(calendar, emitted[0] as NtpSeconds, epochs[accepted]!)',
  },
  {
    step: 'a batch: columns',
    breaks: 'the weight is that of the first item',
    before: 'const weight = weights[items[SIZE.item * (k + 1) - 1]!]!',
    after: 'const weight = weights[items[SIZE.item - 1]!]!',
  },
  {
    step: 'a batch: columns',
    breaks: 'exposures are written over each other',
    before: 'writeExposure(verdicts.exposures, k, epochs[accepted]!, slot, weight)',
    after: 'writeExposure(verdicts.exposures, 0, epochs[accepted]!, slot, weight)',
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
  ...mutationsOf('packages/protocol/src/robert/hello.ts', protocolTests('contact'), [
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
      before: 'const at = SIZE.exposure * row',
      after: 'const at = 0',
      tests: protocolTests('contact'),
    },
    {
      step: 'ROBERT §3.2.1: LEE',
      breaks: 'epochs from 65,536 on lose their top byte',
      before: 'rows[at] = epoch >> 16',
      after: '',
    },
    {
      step: 'ROBERT §3.2.1: LEE',
      breaks: 'slot and weight share bits',
      before: 'rows[at + 3] = slot * 64 + weight',
      after: 'rows[at + 3] = slot * 32 + weight',
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
