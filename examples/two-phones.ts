// A back-end and two phones in one process: they meet, one owner is diagnosed and declares, the other is warned.
// It is the code that runs in production; only time, chance and the network are made here, so that every run is the same.
//
//   node scripts/run.mjs examples/two-phones.ts
import { helloAt, type Notice } from '@vicinity/client'
import { constellation, LAB_PARAMETERS, REPLAY_START } from '@vicinity/lab'
import { later, toHex, type UnixSeconds } from '@vicinity/protocol'

const MINUTE = 60
const HOUR = 60 * MINUTE

// One country with its database in memory. `schedule` is the clock: nothing happens until it is told to go on.
const world = await constellation({
  seed: 1,
  start: REPLAY_START,
  countries: [{ settings: { parameters: LAB_PARAMETERS } }],
})
const country = world.countries[0]!
const { schedule } = world

const say = (text: string): void => {
  console.log(`${new Date(schedule.now() * 1000).toISOString().slice(0, 16).replace('T', ' ')}  ${text}`)
}
const until = (at: UnixSeconds): Promise<void> => schedule.runUntil(at)

// 1. Registration (ROBERT §3): a key pair, a proof of work, two keys that phone and back-end share, and a sealed list of
//    identifiers that change every quarter of an hour. The back-end learns no name, number or address.
const ana = world.addPhone('Ana')
const ben = world.addPhone('Ben')
for (const phone of [ana, ben]) {
  await phone.happens({ type: 'install' })
  const epochs = phone.state.identifiers.reduce((sum, { pairs }) => sum + pairs.length / 9, 0)
  say(`${phone.name}'s phone registers and holds identifiers for ${epochs} epochs`)
}

// 2. A meeting (§5): for twenty minutes each phone hears what the other one broadcasts. A HELLO is 16 bytes: encrypted country,
//    identifier of the epoch, time, MAC. What is heard stays on the phone that hears it.
const meeting = later(schedule.now(), 10 * HOUR)
await until(meeting)
say(`Ana's phone broadcasts ${toHex(helloAt(ana.state, ana.now())!)}`)
for (let at = meeting; at < later(meeting, 20 * MINUTE); at = later(at, 20)) {
  await until(at)
  const [fromAna, fromBen] = [helloAt(ana.state, ana.now())!, helloAt(ben.state, ben.now())!]
  await ben.happens({ type: 'heard', hello: fromAna, strength: -55 })
  await ana.happens({ type: 'heard', hello: fromBen, strength: -55 })
}
await until(later(meeting, HOUR))
say(`Ben's phone keeps ${ben.log.length} items of what it heard, one for each identifier and five minutes`)

// 3. A declaration (§6.1): the authority gives Ben a code for the days before his test. Nothing leaves his phone before he
//    consents. Then items go one by one, each with a token that says nothing about him, always 256 a day: most are dummies.
await until(later(meeting, 24 * HOUR))
const window = { contagiousFrom: later(schedule.now(), -48 * HOUR), contagiousTo: schedule.now() }
const { code } = await country.authority('issueCode', window)
say(`Ben is diagnosed and gets the code ${code}`)
await ben.happens({ type: 'declare', code })
await ben.happens({ type: 'consent', given: true })
await until(later(schedule.now(), 3 * HOUR))

// 4. Exposure (§6.2): the back-end opens each item, checks it in ten steps and writes down when somebody was exposed: never to whom.
const { counts } = country.deps
say(`${counts.get('upload.queued')} items were uploaded, ${counts.get('item.accepted')} of them accepted`)

// 5. Status (§7): every phone asks now and then, with requests and replies that all look the same, and learns one bit.
await until(later(schedule.now(), 12 * HOUR))
const isWarned = (notices: readonly Notice[]): boolean => notices.some(({ what }) => what === 'atRisk')
for (const { name, notices } of [ana, ben]) say(`${name} is ${isWarned(notices) ? 'warned' : 'not warned'}`)

await world.close()
