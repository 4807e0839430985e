// Broken lines of LEE and of the risk that is computed from it, and of the messages around them.
import { mutationsOf, protocolTests } from './mutation.ts'

const risk = mutationsOf('packages/protocol/src/robert/risk.ts', protocolTests('risk'), [
  {
    step: 'ROBERT §6.2 footnote 17: i - j >= CT',
    breaks: 'the purge is an epoch late',
    before: 'now - epoch >= contagiousEpochs',
    after: 'now - epoch > contagiousEpochs',
  },
  {
    step: 'ROBERT §6.2 footnote 17: i - j >= CT',
    breaks: 'the purge is an epoch early',
    before: 'now - epoch >= contagiousEpochs',
    after: 'now - epoch >= contagiousEpochs - 1',
  },
  {
    step: 'divergence 12: a malicious patient',
    breaks: 'of a slot three weights count',
    before: 'weights[to] = larger(largest[to]!, weight) + larger(second, middle)',
    after: 'weights[to] = larger(largest[to]!, weight) + second + middle',
  },
  {
    step: 'divergence 12: a malicious patient',
    breaks: 'one slot warns',
    before: 'const enough = Number(sum >= tenths) & Number(distinct >= riskSlots)',
    after: 'const enough = Number(sum >= tenths)',
  },
  {
    step: 'risk slots-1: at least 15 minutes',
    breaks: 'fifteen minutes are not enough',
    before: 'const enough = Number(sum >= tenths) & Number(distinct >= riskSlots)',
    after: 'const enough = Number(sum > tenths) & Number(distinct >= riskSlots)',
  },
  {
    step: 'risk slots-1: within 24 hours',
    breaks: 'slots 24 hours apart count together',
    before: 'const gone = cell < perDay ? 0 : weights[cell - perDay]!',
    after: 'const gone = cell <= perDay ? 0 : weights[cell - perDay - 1]!',
  },
  {
    step: 'risk slots-1: the newest at most 10 days old',
    breaks: 'an exposure of ten days ago no longer counts',
    before: 'const named = enough & Number(weight > 0) & Number(cell >= perDay)',
    after: 'const named = enough & Number(weight > 0) & Number(cell >= perDay + perEpoch)',
  },
  {
    step: 'ROBERT §3.2.1: UN reset',
    breaks: 'the exposure that warned warns again',
    before: 'const counts = Number(epoch > after) & Number(!isExpired(epoch, now, expired)) & Number(cell >= 0)',
    after: 'const counts = Number(epoch >= after) & Number(!isExpired(epoch, now, expired)) & Number(cell >= 0)',
  },
  {
    step: 'ROBERT §6.2 footnote 17',
    breaks: 'expired exposures count until they are purged',
    before: 'const counts = Number(epoch > after) & Number(!isExpired(epoch, now, expired)) & Number(cell >= 0)',
    after: 'const counts = Number(epoch > after) & Number(cell >= 0)',
  },
  {
    step: 'risk slots-1: minutes unknown are one',
    breaks: 'unknown minutes weigh nothing',
    before: 'const minutes = signal.minutes === 0 ? 1 : signal.minutes',
    after: 'const minutes = signal.minutes',
  },
  {
    step: 'risk slots-1: weight 1 from -63 dBm up',
    breaks: '-63 dBm weighs a half',
    before: 'if (strength >= parameters.fullStrength) return 1',
    after: 'if (strength > parameters.fullStrength) return 1',
    tests: protocolTests('item', 'risk'),
  },
])

const messages = [
  ...mutationsOf('packages/protocol/src/robert/reply.ts', protocolTests('reply'), [
    {
      step: 'divergence 8: one constant reply',
      breaks: 'a refusal is a byte shorter than a reply',
      before: 'export const constantReply = (random: Random): Uint8Array => random(SEALED_REPLY)',
      after: 'export const constantReply = (random: Random): Uint8Array => random(SEALED_REPLY - 1)',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/parameters.ts', protocolTests('parameters'), [
    {
      step: 'ROBERT §7 step 8: the poll never violates T',
      breaks: 'jitter may bring a poll before T',
      before:
        'if (parameters.pollInterval - parameters.pollJitter < parameters.statusGap * parameters.epochDuration) {',
      after: 'if (parameters.pollInterval < parameters.statusGap * parameters.epochDuration) {',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/list-json.ts', protocolTests('list-json'), [
    {
      step: 'profile tac: the first list',
      breaks: 'base64 has no padding',
      before: "return text.padEnd(4 * Math.ceil(text.length / 4), '=')",
      after: 'return text',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/scoring-v2.ts', protocolTests('scoring-v2'), [
    {
      step: 'tac-v2: windows of two minutes',
      breaks: 'a window is one minute',
      before: 'const windows = minutes.map((minute, k) => [...minute, ...(minutes[k + 1] ?? [])])',
      after: 'const windows = minutes.map((minute) => [...minute])',
    },
  ]),
]

export const RISK_LINES = [...risk, ...messages]
