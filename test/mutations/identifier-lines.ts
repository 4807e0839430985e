// Broken lines of identifiers, of their lists for one user and for many, and of the item that is uploaded.
import { mutationsOf, protocolTests } from './mutation.ts'

const ebids = mutationsOf('packages/protocol/src/robert/ebid.ts', protocolTests('list', 'vectors'), [
  {
    step: 'ROBERT §4: EBID',
    breaks: 'all epochs of a list have the EBID of the first',
    before: 'writeUint(blocks, SIZE.ebid * (row + k), 3, first + k)',
    after: 'writeUint(blocks, SIZE.ebid * (row + k), 3, first)',
  },
  {
    step: 'ROBERT §4: EBID',
    breaks: 'the epochs of several users are written over each other',
    before: 'writeUint(blocks, SIZE.ebid * (row + k), 3, first + k)',
    after: 'writeUint(blocks, SIZE.ebid * k, 3, first + k)',
  },
  {
    step: 'ROBERT §4: EBID',
    breaks: 'the identifiers of several users are written over each other',
    before: 'writeUint(blocks, SIZE.ebid * (row + k) + 3, 5, id)',
    after: 'writeUint(blocks, SIZE.ebid * k + 3, 5, id)',
  },
  {
    step: 'ROBERT §6.2 step 4: what an EBID says',
    breaks: 'epochs from 2^23 on are negative',
    before: '(blocks.getUint32(SIZE.ebid * index) >>> 8) as Epoch',
    after: '(blocks.getInt32(SIZE.ebid * index) >> 8) as Epoch',
  },
  {
    step: 'ROBERT §6.2 step 4: what an EBID says',
    breaks: 'the epoch is that of the first EBID',
    before: '(blocks.getUint32(SIZE.ebid * index) >>> 8) as Epoch',
    after: '(blocks.getUint32(0) >>> 8) as Epoch',
    tests: protocolTests('contact-batch-of-many'),
  },
  {
    step: 'ROBERT §6.2 step 4: what an EBID says',
    breaks: 'identifiers lose their top byte',
    before: 'blocks.getUint8(SIZE.ebid * index + 3) * 0x100000000 + blocks.getUint32(SIZE.ebid * index + 4)',
    after: 'blocks.getUint32(SIZE.ebid * index + 4)',
    tests: protocolTests('contact-keys'),
  },
  {
    step: 'ROBERT §6.2 step 4: what an EBID says',
    breaks: 'the identifier is that of the first EBID',
    before: 'blocks.getUint8(SIZE.ebid * index + 3) * 0x100000000 + blocks.getUint32(SIZE.ebid * index + 4)',
    after: 'blocks.getUint8(3) * 0x100000000 + blocks.getUint32(4)',
    tests: protocolTests('contact-batch-of-many'),
  },
  {
    step: 'ROBERT §4: ECC',
    breaks: 'the key stream is the last byte of the block',
    before: 'for (let k = 0; k < count; k++) stream[k] = encrypted[AES_BLOCK * k]!',
    after: 'for (let k = 0; k < count; k++) stream[k] = encrypted[AES_BLOCK * k + 15]!',
  },
  {
    step: 'ROBERT §4: ECC',
    breaks: 'half of the EBID is not in the key stream',
    before: 'blocks.setInt32(AES_BLOCK * k + 4, from.getInt32(SIZE.ebid * k + 4))',
    after: '',
  },
])

const lists = mutationsOf('packages/protocol/src/robert/list.ts', protocolTests('list'), [
  {
    step: 'divergence 5: one server key a day',
    breaks: 'lists are made with the key of their first day',
    before: 'const all = [...days].map(([day, runs]) => ({ runs, ebids: ebidsOf(keys.serverKeyOf(day)!, runs) }))',
    after:
      'const all = [...days].map(([, runs], _, [[day]]) => ({ runs, ebids: ebidsOf(keys.serverKeyOf(day)!, runs) }))',
  },
  {
    step: 'ROBERT §4: the lists of a batch',
    breaks: 'every user of a day gets the EBIDs of the first',
    before: 'run.pairs.set(ebids.subarray(SIZE.ebid * from, SIZE.ebid * (from + 1)), to)',
    after: 'run.pairs.set(ebids.subarray(SIZE.ebid * k, SIZE.ebid * (k + 1)), to)',
  },
  {
    step: 'ROBERT §4: the lists of a batch',
    breaks: 'the second day of a list is written over the first',
    before: 'const to = SIZE.pair * (run.row + k)',
    after: 'const to = SIZE.pair * k',
  },
  {
    step: 'ROBERT §4: the lists of a batch',
    breaks: 'the second day of a list begins with the epochs of the first',
    before: 'runs.push({ id, first: from, count: run, pairs, row: made })',
    after: 'runs.push({ id, first, count: run, pairs, row: made })',
  },
  {
    step: 'ROBERT §4: the lists of a batch',
    breaks: 'of several users of a day only the last is added',
    before: 'days.set(day, runs)',
    after: 'days.set(day, runs.slice(-1))',
  },
  {
    step: 'ROBERT §4: the lists of a batch',
    breaks: 'the blocks of several users are written over each other',
    before: 'row += count',
    after: '',
  },
  {
    step: 'ROBERT §4: ECC',
    breaks: 'the country code is not encrypted',
    before: 'run.pairs[to + SIZE.ebid] = stream[row]! ^ keys.countryCode',
    after: 'run.pairs[to + SIZE.ebid] = keys.countryCode',
  },
  {
    step: 'ROBERT §4: ECC',
    breaks: 'the key stream begins anew with each day',
    before: 'run.pairs[to + SIZE.ebid] = stream[row]! ^ keys.countryCode',
    after: 'run.pairs[to + SIZE.ebid] = stream[from]! ^ keys.countryCode',
  },
  {
    step: 'ROBERT §4: identifiers of a status reply',
    breaks: 'a reply carries the day before the last of the bundle',
    before: 'const first = firstEpochOfDay(calendar, today + bundleDays)',
    after: 'const first = firstEpochOfDay(calendar, today + bundleDays - 1)',
  },
])

const items = mutationsOf('packages/protocol/src/robert/item.ts', protocolTests('item'), [
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
])

export const IDENTIFIER_LINES = [...ebids, ...lists, ...items]
