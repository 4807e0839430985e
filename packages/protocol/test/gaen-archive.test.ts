// The ZIP archives of exports: what others write is read, what deceives is refused, and a bomb costs as much as its announced length.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 as crcOfNode, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { ascii, concat } from '../src/bytes.ts'
import { inflateEntry, readEntries, type Source, sourceOf } from '../src/gaen/archive-reader.ts'
import { crc32 } from '../src/gaen/crc32.ts'
import { emptyKeys, openArchive, packArchive, packExport, readArchive, unpackArchive } from '../src/gaen/index.ts'
import { Malformed } from '../src/outcome.ts'
import { holds, randomOf } from './fixture.ts'
import { GENS_ZIP, HEADER, signedArchive, TRUSTED } from './gaen-export-fixture.ts'

const refuses = (zip: Uint8Array, expected: RegExp, what?: string): void =>
  assert.throws(
    () => unpackArchive(zip),
    (error) => error instanceof Malformed && expected.test(error.message),
    what,
  )

interface Made {
  readonly name: string
  readonly data: Uint8Array
  readonly packed: Uint8Array
  readonly method: number
  /** Announced in the directory. */
  readonly size: number
  readonly crc: number
  readonly flags: number
  /** Lengths and CRC behind the data, none in front. */
  readonly descriptor: boolean
  readonly localName: string
}

const made = (name: string, data: Uint8Array, more: Partial<Made> = {}): Made => ({
  name,
  data,
  packed: deflateRawSync(data),
  method: 8,
  size: data.length,
  crc: crcOfNode(data),
  flags: 0,
  descriptor: false,
  localName: name,
  ...more,
})

const bytes = (length: number, value: number): Uint8Array =>
  Uint8Array.from({ length }, (_, k) => Math.floor(value / 256 ** k))

/** A ZIP archive as another program may write it. */
function zipOf(entries: readonly Made[], extra: Uint8Array = new Uint8Array(0)): Uint8Array {
  const local: Uint8Array[] = []
  const central: Uint8Array[] = []
  let offset = 0
  for (const { name, localName, packed, method, size, crc, flags, descriptor } of entries) {
    const numbers = concat(bytes(4, crc), bytes(4, packed.length), bytes(4, size))
    const flag = bytes(2, flags | (descriptor ? 8 : 0))
    const inFront = descriptor ? new Uint8Array(12) : numbers
    const header = concat(bytes(2, 20), flag, bytes(2, method), new Uint8Array(4), inFront, bytes(2, localName.length))
    const behind = descriptor ? concat(bytes(4, 0x08074b50), numbers) : new Uint8Array(0)
    const file = concat(bytes(4, 0x04034b50), header, bytes(2, extra.length), ascii(localName), extra, packed, behind)
    local.push(file)
    central.push(
      concat(bytes(4, 0x02014b50), bytes(2, 20), bytes(2, 20), flag, bytes(2, method), new Uint8Array(4), numbers),
      concat(bytes(2, name.length), bytes(2, extra.length), new Uint8Array(10), bytes(4, offset), ascii(name), extra),
    )
    offset += file.length
  }
  const directory = concat(...central)
  const count = bytes(2, entries.length)
  const end = concat(
    bytes(4, 0x06054b50),
    new Uint8Array(4),
    count,
    count,
    bytes(4, directory.length),
    bytes(4, offset),
  )
  return concat(...local, directory, end, new Uint8Array(2))
}

const BIN = made('export.bin', ascii('the keys, the keys, the keys'))
const SIG = made('export.sig', ascii('the signature'))

/** An archive with bytes changed, counted from its end where negative. */
function altered(zip: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = zip.slice()
  copy.set(values, at < 0 ? copy.length + at : at)
  return copy
}

test('GAEN archive: CRC-32 is that of ZIP, in pieces as in one', () => {
  holds(
    fc.property(fc.uint8Array(), fc.uint8Array(), (first, second) => {
      assert.equal(crc32(first), crcOfNode(first))
      assert.equal(crc32(second, crc32(first)), crcOfNode(concat(first, second)))
    }),
  )
})

test('GAEN archive: what is packed comes out again, and equal files make equal archives', () => {
  holds(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (bin, sig) => {
      const zip = packArchive(bin, sig)
      const out = unpackArchive(zip)
      assert.deepEqual([out.bin, out.sig], [bin, sig])
      assert.deepEqual(packArchive(bin.slice(), sig.slice()), zip)
    }),
    50,
  )
  const zeros = new Uint8Array(100_000)
  assert.ok(packArchive(zeros, zeros).length < 1000)
})

test('GAEN archive: archives of other programs are read: either order, stored, lengths behind the data, extra fields', () => {
  const stored = made('export.bin', BIN.data, { method: 0, packed: BIN.data })
  const descriptor = { descriptor: true }
  const utf8 = made('export.sig', SIG.data, { flags: 0x800 })
  for (const zip of [
    zipOf([BIN, SIG]),
    zipOf([SIG, BIN]),
    zipOf([stored, utf8]),
    zipOf([made('export.bin', BIN.data, descriptor), made('export.sig', SIG.data, descriptor)]),
    zipOf([BIN, SIG], Uint8Array.of(0x55, 0x54, 1, 0, 0)),
  ]) {
    assert.deepEqual(unpackArchive(zip), { bin: BIN.data, sig: SIG.data })
  }
  // A date in month 0.
  assert.equal(unpackArchive(GENS_ZIP).bin.length, 135)
})

test('GAEN archive: what is not exactly the two files is refused', () => {
  const zip = zipOf([BIN, SIG])
  refuses(new Uint8Array(0), /a ZIP archive/)
  refuses(zip.subarray(0, -1), /a ZIP archive/)
  refuses(concat(zip, new Uint8Array(1)), /a ZIP archive/)
  refuses(zipOf([BIN]), /a ZIP archive of/)
  refuses(zipOf([BIN, SIG, made('export.txt', ascii('more'))]), /a ZIP archive of/)
  refuses(zipOf([BIN, BIN]), /each file once/)
  refuses(zipOf([BIN, made('export.sih', SIG.data)]), /export\.bin and export\.sig only/)
  refuses(zipOf([BIN, made('../export.sig', SIG.data)]), /export\.bin and export\.sig only/)
  refuses(zipOf([made('export.bin', BIN.data, { flags: 1 }), SIG]), /not encrypted/)
  refuses(zipOf([made('export.bin', BIN.data, { flags: 64 }), SIG]), /not encrypted/)
  refuses(zipOf([made('export.bin', BIN.data, { method: 12 }), SIG]), /stored or deflated/)
  refuses(zipOf([made('export.bin', BIN.data, { method: 0 }), SIG]), /stored or deflated/)
  refuses(zipOf([made('export.bin', BIN.data, { localName: 'export.bim' }), SIG]), /names of the directory/)
  refuses(zipOf([made('export.bin', BIN.data, { localName: 'export.bin2' }), SIG]), /names of the directory/)
  refuses(altered(zip, 8, 0), /names of the directory/, 'another method in front')
  refuses(altered(zip, 0, 0), /names of the directory/, 'no local header')
})

test('GAEN archive: a directory that points elsewhere is refused', () => {
  const zip = zipOf([BIN, SIG])
  const directoryAt = zip.length - 22 - 2 * (46 + 10)
  refuses(altered(zip, -2, 1), /a ZIP archive of/, 'a comment')
  refuses(altered(zip, -18, 1), /a ZIP archive of/, 'two disks')
  refuses(altered(zip, -6, 0xff, 0xff, 0xff, 0xff), /right before its end/, 'the mark of 64 bits')
  refuses(concat(new Uint8Array(1), zip), /right before its end/, 'something in front')
  refuses(altered(zip, directoryAt, 0), /two entries/, 'no header of an entry')
  refuses(altered(zip, directoryAt + 28, 0xff), /two entries/, 'a name beyond the directory')
  refuses(altered(zip, directoryAt + 30, 0xff), /two entries/, 'an extra field beyond the directory')
  refuses(altered(zip, directoryAt + 32, 46 + 10), /two entries/, 'a comment over the second entry')
  const shorter = concat(zip.subarray(0, directoryAt), new Uint8Array(22))
  shorter.set(zip.subarray(-22), directoryAt)
  refuses(altered(shorter, -10, 0, 0, 0, 0), /two entries/, 'an empty directory')
  const longer = concat(zip.subarray(0, -22), new Uint8Array(5), zip.subarray(-22))
  refuses(altered(longer, -10, 2 * (46 + 10) + 5), /two entries/, 'something behind the entries')
  refuses(altered(zip, directoryAt + 42, 0xff, 0xff), /before the directory/, 'a header beyond the end')
  refuses(altered(zip, directoryAt + 20, 0xff, 0xff), /before the directory/, 'data beyond the directory')
})

test('GAEN archive: files that share bytes are refused', () => {
  // The second file lies inside the first, which is stored.
  const inside = zipOf([SIG]).subarray(0, 30 + 10 + SIG.packed.length)
  const outer = made('export.bin', inside, { method: 0, packed: inside })
  const zip = zipOf([outer, SIG])
  const overlapping = altered(zip, zip.length - 22 - (46 + 10) + 42, 30 + 10, 0)
  refuses(overlapping, /do not overlap/)
  const reversed = zipOf([SIG, outer])
  const at = 30 + 10 + SIG.packed.length + 30 + 10
  refuses(altered(reversed, reversed.length - 22 - 2 * (46 + 10) + 42, at), /do not overlap/)
})

test('GAEN archive: data that do not inflate to what is announced are refused', () => {
  const cut = BIN.packed.subarray(0, -2)
  const cases: readonly (readonly [Partial<Made>, RegExp])[] = [
    [{ crc: BIN.crc ^ 1 }, /length and CRC/],
    [{ size: BIN.size + 1 }, /length and CRC/],
    [{ size: BIN.size - 1 }, /announced length/],
    [{ packed: cut }, /inflate/],
    [{ packed: Uint8Array.of(7, 7, 7) }, /inflate/],
    [{ packed: new Uint8Array(0) }, /inflate/],
    [{ method: 0, packed: BIN.data.map((byte) => byte ^ 1) }, /length and CRC/],
  ]
  for (const [more, expected] of cases) refuses(zipOf([made('export.bin', BIN.data, more), SIG]), expected)
  holds(
    fc.property(fc.uint8Array({ maxLength: 80 }), (packed) => {
      assert.throws(() => unpackArchive(zipOf([made('export.bin', BIN.data, { packed }), SIG])), Malformed)
    }),
  )
})

/** Counts what is read and given. */
function watched(zip: Uint8Array): { source: Source; read: { calls: number; most: number } } {
  const read = { calls: 0, most: 0 }
  const whole = sourceOf(zip)
  return {
    read,
    source: {
      length: whole.length,
      read: (offset, length) => {
        read.calls++
        read.most = Math.max(read.most, length)
        return whole.read(offset, length)
      },
    },
  }
}

test('GAEN archive: a bomb that says its length is refused before a byte of it is inflated', () => {
  const bomb = made('export.bin', new Uint8Array(16 * 1024 * 1024 + 1))
  assert.ok(bomb.packed.length < 20_000)
  const { source, read } = watched(zipOf([bomb, SIG]))
  assert.throws(() => readEntries(source), /at most 16777216 bytes/)
  assert.ok(read.calls <= 3)
  refuses(zipOf([BIN, made('export.sig', new Uint8Array(64 * 1024 + 1))]), /export\.sig: at most 65536 bytes/)
  refuses(new Uint8Array(20 * 1024 * 1024 + 1), /at most 20971520 bytes/)
  assert.throws(() => unpackArchive(zipOf([BIN, SIG]), { archive: 1000, file: 27 }), /at most 27 bytes/)
})

test('GAEN archive: a bomb that lies about its length is stopped at it', () => {
  const { source } = watched(zipOf([made('export.bin', new Uint8Array(64 * 1024 * 1024), { size: 5000 }), SIG]))
  let given = 0
  const { 'export.bin': entry } = readEntries(source)
  const take = (piece: Uint8Array): void => {
    given += piece.length
  }
  assert.throws(() => inflateEntry(source, entry, take), /announced length/)
  assert.equal(given, 0)
})

test('GAEN archive: a long archive is read in small pieces, keys in blocks, and the signature before them', () => {
  const keys = emptyKeys(30_000)
  keys.keyData.set(randomOf('a long archive')(480_000))
  const { source, read } = watched(signedArchive(packExport(HEADER, keys, emptyKeys(0))))
  let count = 0
  const outcome = readArchive(source, [TRUSTED], (_, block) => {
    assert.ok(block.count <= 4096)
    count += block.count
  })
  assert.ok(outcome.ok)
  assert.equal(count, 30_000)
  assert.ok(read.most <= 4096)
  const forged = { ...TRUSTED, keyVersion: 'v2' }
  const untouched = () => assert.fail('no key of a forged file is given')
  assert.deepEqual(readArchive(source, [forged], untouched), { ok: false, reason: 'signatureForged' })
  assert.deepEqual(openArchive(signedArchive(ascii('no export')), [forged]), { ok: false, reason: 'signatureForged' })
})
