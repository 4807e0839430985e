import { type Hex, hex, lengthOf } from '../second/hex.ts'
import { agree, ebidOf, eccOf, helloOf, itemOf, publicKeyOf } from '../second/messages.ts'
import { exposureOf, readSignal, signalOf, weightOf } from '../second/signal.ts'
import { dayOfEpoch, type Service } from '../second/time.ts'
import {
  AUTHENTICATION_KEY,
  at,
  type Case,
  COUNTRY,
  draw,
  FEDERATION_KEY,
  ID,
  keysOf,
  SERVICE,
  type Sections,
  START,
  serverKeyOf,
} from './case.ts'

/** A private key whose secret with `peer` begins with a zero byte: a secret always has 32 bytes. */
function keyWithShortSecret(peer: Hex): Hex {
  for (let n = 0; ; n++) {
    const key = draw(`phone with a short secret ${n}`, 32)
    if (agree('spec', key, peer).sharedSecret.startsWith('00')) return key
  }
}

function agreementCases(): Case[] {
  const server = draw('server private key', 32)
  const serverPublicKey = publicKeyOf(server)
  const phones: readonly (readonly [string, Hex])[] = [
    ['a phone', draw('phone private key', 32)],
    ['private key 1', hex(1, 32)],
    ['a shared secret that begins with a zero byte', keyWithShortSecret(serverPublicKey)],
  ]
  const agreed = phones.flatMap(([name, phone]) =>
    (['spec', 'tac'] as const).map((profile): Case => {
      const phonePublicKey = publicKeyOf(phone)
      const input = { profile, phonePrivateKey: phone, phonePublicKey, serverPrivateKey: server, serverPublicKey }
      return { name: `${profile}, ${name}`, input, expected: agree(profile, phone, serverPublicKey) }
    }),
  )
  return [...agreed, ...refusedPoints(server)]
}

function refusedPoints(serverPrivateKey: Hex): Case[] {
  const good = publicKeyOf(draw('phone private key', 32))
  const x = good.slice(2, 66)
  const y = good.slice(66)
  const parity = Number.parseInt(good.slice(-1), 16) % 2
  const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
  const points: readonly (readonly [string, Hex])[] = [
    ['compressed', `0${2 + parity}${x}`],
    ['hybrid', `0${6 + parity}${x}${y}`],
    ['not on the curve', `04${x}${hex(BigInt(`0x${y}`) ^ 1n, 32)}`],
    ['all zero', `04${hex(0, 64)}`],
    ['the point at infinity', '00'],
    ['an ordinate beyond the field', `04${x}${hex(p, 32)}`],
    ['without its first byte', good.slice(2)],
    ['one byte too long', `${good}00`],
  ]
  return points.map(([name, phonePublicKey]) => ({
    name: `a public key that is refused: ${name}`,
    input: { profile: 'spec', serverPrivateKey, phonePublicKey },
    expected: { refused: true },
  }))
}

function ebidCases(): Case[] {
  const key = serverKeyOf(20_513)
  const cases: readonly (readonly [string, Hex, number, Hex])[] = [
    ['epoch 0', key, 0, ID],
    ['epoch 1', key, 1, ID],
    ['epoch 95', key, 95, ID],
    ['epoch 96', key, 96, ID],
    ['epoch 255', key, 255, ID],
    ['epoch 256', key, 256, ID],
    ['epoch 65,535', key, 65_535, ID],
    ['epoch 65,536', key, 65_536, ID],
    ['epoch 2^23 - 1', key, 2 ** 23 - 1, ID],
    ['epoch 2^23', key, 2 ** 23, ID],
    ['the last epoch', key, 2 ** 24 - 1, ID],
    ['id 0', key, 4242, hex(0, 5)],
    ['id 2^31', key, 4242, hex(2 ** 31, 5)],
    ['the last id', key, 4242, 'ffffffffff'],
    ['a key of zeros', hex(0, 24), 4242, ID],
    ['a key of ones', 'ff'.repeat(24), 4242, ID],
    ['a key whose last byte differs', `${key.slice(0, 46)}${hex(Number.parseInt(key.slice(46), 16) ^ 1, 1)}`, 0, ID],
  ]
  return cases.map(([name, serverKey, epoch, id]) => ({
    name,
    input: { serverKey, epoch, id },
    expected: { ebid: ebidOf(serverKey, epoch, id) },
  }))
}

function eccCases(): Case[] {
  const keys = [FEDERATION_KEY, draw('federation key of 16 bytes', 16)]
  const ebids = [draw('ebid 1', 8), draw('ebid 2', 8), hex(0, 8)]
  const codes = [COUNTRY, '31', '00', 'ff']
  return keys.flatMap((federationKey) =>
    codes.map((countryCode, i) => {
      const ebid = ebids[i % ebids.length]!
      const name = `K_G of ${8 * lengthOf(federationKey)} bits, country ${countryCode}`
      return {
        name,
        input: { federationKey, ebid, countryCode },
        expected: { ecc: eccOf(federationKey, ebid, countryCode) },
      }
    }),
  )
}

const TIMES: readonly (readonly [string, bigint])[] = [
  ['noon', at('2026-03-05T12:00:00Z')],
  ['16-bit time ffff', (((START >> 16n) + 1n) << 16n) - 1n],
  ['16-bit time 0000', ((START >> 16n) + 1n) << 16n],
  ['16-bit time 0001', (((START >> 16n) + 1n) << 16n) + 1n],
  ['16-bit time 7fff', (((START >> 16n) + 1n) << 16n) + 0x7fffn],
  ['16-bit time 8000', (((START >> 16n) + 1n) << 16n) + 0x8000n],
  ['the last second of era 0', at('2036-02-07T06:28:15Z')],
  ['the first second of era 1', at('2036-02-07T06:28:16Z')],
  ['the second after it', at('2036-02-07T06:28:17Z')],
  ['Unix 2^31', at('2038-01-19T03:14:08Z')],
  ['era 2', at('2172-03-15T12:56:40Z')],
]

/** The pairs of consecutive epochs: each under the server key of its own day, up to the first day without one. */
function bundleCases(): Case[] {
  const odd: Service = { serviceStart: at('2026-03-01T12:07:30Z'), epochDuration: 900n }
  const made = (name: string, service: Service, firstEpoch: number, count: number, days: readonly bigint[]): Case => {
    const epochs = Array.from({ length: count }, (_, i) => firstEpoch + i)
    const missing = epochs.findIndex((epoch) => !days.includes(dayOfEpoch(service, BigInt(epoch))))
    const pairs = epochs.slice(0, missing < 0 ? count : missing).map((epoch) => {
      const ebid = ebidOf(serverKeyOf(dayOfEpoch(service, BigInt(epoch))), epoch, ID)
      return ebid + eccOf(FEDERATION_KEY, ebid, COUNTRY)
    })
    const keys = { federationKey: FEDERATION_KEY, serverKeys: keysOf(...days) }
    const input = { ...service, countryCode: COUNTRY, ...keys, id: ID, firstEpoch, count }
    return { name, input, expected: { pairs: pairs.join('') } }
  }
  return [
    made('nothing', SERVICE, 0, 0, [20_513n]),
    made('the first two epochs of the service', SERVICE, 0, 2, [20_513n]),
    made('over midnight: two server keys', SERVICE, 94, 4, [20_513n, 20_514n]),
    made('a day', SERVICE, 96, 96, [20_514n]),
    made('up to the day without a key', SERVICE, 94, 4, [20_513n]),
    made('no key for the first day', SERVICE, 94, 4, [20_514n]),
    made('an epoch that lasts over midnight has the key of the day before', odd, 46, 4, [20_513n, 20_514n]),
    made('epochs of 1200 s', { serviceStart: START, epochDuration: 1200n }, 70, 4, [20_513n, 20_514n]),
    made('the last epochs of 24 bits', SERVICE, 2 ** 24 - 2, 2, [195_275n]),
  ]
}

function helloCases(): Case[] {
  const ebid = ebidOf(serverKeyOf(20_513), 432, ID)
  const ecc = eccOf(FEDERATION_KEY, ebid, COUNTRY)
  const make = (name: string, authenticationKey: Hex, ownEcc: Hex, ownEbid: Hex, time: bigint): Case => ({
    name,
    input: { authenticationKey, ecc: ownEcc, ebid: ownEbid, at: time },
    expected: { hello: helloOf(authenticationKey, ownEcc, ownEbid, time) },
  })
  const noon = TIMES[0]![1]
  return [
    ...TIMES.map(([name, time]) => make(name, AUTHENTICATION_KEY, ecc, ebid, time)),
    make('all fields zero', hex(0, 32), '00', hex(0, 8), 0n),
    make('all fields ones', 'ff'.repeat(32), 'ff', 'ff'.repeat(8), 0xffffn),
    make('another key', draw('another authentication key', 32), ecc, ebid, noon),
  ]
}

function itemCases(): Case[] {
  const ebid = ebidOf(serverKeyOf(20_513), 432, ID)
  const ecc = eccOf(FEDERATION_KEY, ebid, COUNTRY)
  const signals = ['00', '55', 'ff', '8d', '05', '80']
  return TIMES.flatMap(([name, time], i) => {
    const hello = helloOf(AUTHENTICATION_KEY, ecc, ebid, time)
    const signal = signals[i % signals.length]!
    return [0n, 3n].map((delay) => ({
      name: `${name}, heard ${delay} s later, signal ${signal}`,
      input: { hello, heardAt: time + delay, signal },
      expected: { item: itemOf(hello, time + delay, signal) },
    }))
  })
}

function signalCases(): Case[] {
  const heard = (strength: number | null, minutes: number): Case => ({
    name: `${strength === null ? 'strength unknown' : `${strength} dBm`}, ${minutes} minutes`,
    input: { strength, minutes },
    expected: { signal: signalOf(strength, minutes) },
  })
  const strengths = [0, -29, -30, -31, -32, -61, -62, -63, -64, -65, -72, -73, -74, -75, -89, -90, -91, -127]
  return [
    ...strengths.map((strength) => heard(strength, 5)),
    ...[0, 1, 2, 3, 4, 5].map((n) => heard(null, n)),
    heard(-63, 0),
  ]
}

function weightCases(): Case[] {
  const classes = [0, 1, 16, 17, 18, 19, 21, 22, 23, 24, 31]
  const bytes = [
    ...classes.flatMap((strengthClass) => [8 * strengthClass + 5, 8 * strengthClass]),
    ...[1, 2, 3, 4, 6, 7].flatMap((minutes) => [minutes, 8 * 17 + minutes, 8 * 18 + minutes]),
  ]
  return bytes.map((byte) => {
    const signal = hex(byte, 1)
    const read = readSignal(signal)
    const name = `${read.strength === null ? 'strength unknown' : `${read.strength} dBm`}, minutes field ${byte % 8}`
    return { name, input: { signal }, expected: { ...read, weight: weightOf(signal) } }
  })
}

function exposureCases(): Case[] {
  const entries = [
    [0, 0, 0],
    [0, 0, 50],
    [0, 1, 25],
    [1, 2, 50],
    [432, 0, 10],
    [432, 3, 63],
    [65_535, 0, 5],
    [65_536, 1, 15],
    [2 ** 23, 2, 20],
    [2 ** 24 - 1, 0, 1],
    [2 ** 24 - 1, 3, 63],
    [66_855, 2, 30],
  ] as const
  return entries.map(([epoch, slot, weight]) => ({
    name: `epoch ${epoch}, slot ${slot}, weight ${weight}`,
    input: { epoch, slot, weight },
    expected: { entry: exposureOf(epoch, slot, weight) },
  }))
}

export const identifierSections: Sections = {
  keys: agreementCases(),
  ebid: ebidCases(),
  ecc: eccCases(),
  bundle: bundleCases(),
  hello: helloCases(),
  item: itemCases(),
  signal: signalCases(),
  weight: weightCases(),
  exposure: exposureCases(),
}
