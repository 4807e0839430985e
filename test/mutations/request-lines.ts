// Broken lines of ROBERT §3.3 and §7, appendices A to C: registration, requests, what is decided, the risk.
import { mutationsOf, protocolTests } from './mutation.ts'

const keys = [
  ...mutationsOf('packages/protocol/src/robert/keys.ts', protocolTests('crypto'), [
    {
      step: 'divergence 19: public keys',
      breaks: 'any first byte passes for an uncompressed point',
      before: 'if (bytes.length !== SIZE.publicPoint || bytes[0] !== 4) return false',
      after: 'if (bytes.length !== SIZE.publicPoint) return false',
      tests: protocolTests('api', 'crypto'),
    },
    {
      step: 'divergence 19: public keys',
      breaks: 'points beside the curve pass',
      before: 'return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n',
      after: 'return x < P && y < P',
      tests: protocolTests('api', 'crypto'),
    },
    {
      step: 'ROBERT §3.3: key agreement',
      breaks: 'both keys are the same',
      before: 'encryptionKey: hmacSha256(secret, ascii(profile.encryptionLabel)),',
      after: 'encryptionKey: hmacSha256(secret, ascii(profile.authenticationLabel)),',
      tests: protocolTests('vectors', 'registration'),
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/profile.ts', protocolTests('hello', 'request'), [
    {
      step: 'ROBERT §5.2 step 3: < δ',
      breaks: 'the strict tolerance is inclusive',
      before: 'profile.inclusiveTolerance ? distance <= tolerance : distance < tolerance',
      after: 'distance <= tolerance',
    },
    {
      step: 'profile tac: <= δ',
      breaks: 'the inclusive tolerance is strict',
      before: 'profile.inclusiveTolerance ? distance <= tolerance : distance < tolerance',
      after: 'distance < tolerance',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/registration.ts', protocolTests('registration'), [
    {
      step: 'ROBERT §3.3: proof of work',
      breaks: 'a challenge is good in the second in which it ends',
      before: "if (at >= expires) return refused('challengeExpired')",
      after: "if (at > expires) return refused('challengeExpired')",
    },
    {
      step: 'ROBERT §3.3: proof of work',
      breaks: 'a bit less of work is demanded than was asked for',
      before: 'for (let bit = 0; bit < difficulty; bit++) {',
      after: 'for (let bit = 1; bit < difficulty; bit++) {',
    },
    {
      step: 'divergence 18: bound to the public key',
      breaks: 'a challenge is good for every public key',
      before: "hmacSha256(key, concat(ascii('registration challenge'), head, publicKey))",
      after: "hmacSha256(key, concat(ascii('registration challenge'), head))",
    },
  ]),
]

const tokens = mutationsOf('packages/protocol/src/upload/token.ts', protocolTests('token'), [
  {
    step: 'divergence 9: one token for each item',
    breaks: 'half of a token is not compared, and that half is what is spent',
    before: 'return equalBytes(hmacSha256(dayKey, request), token.subarray(TOKEN.request)) && fits',
    after: 'return equalBytes(hmacSha256(dayKey, request), token.subarray(TOKEN.request))',
  },
  {
    step: 'divergence 9: one token for each item',
    breaks: 'nobody needs to have issued a token',
    before: 'return equalBytes(hmacSha256(dayKey, request), token.subarray(TOKEN.request)) && fits',
    after: 'return fits',
  },
  {
    step: 'divergence 9: a token commits to its item',
    breaks: 'a token fits every item',
    before: "const nonce = sha256(concat(ascii('robert-item'), item, random))",
    after: "const nonce = sha256(concat(ascii('robert-item'), random))",
  },
  {
    step: "ROBERT §6.1: the authority's window",
    breaks: 'a token is good for every day',
    before: "return hmacSha256(issuerKey, concat(ascii('token day'), new Writer(4).uint(4, day).bytes))",
    after: "return hmacSha256(issuerKey, concat(ascii('token day'), new Writer(4).uint(4, 0).bytes))",
  },
  {
    step: 'divergence 9: spent once',
    breaks: 'all tokens of a day are spent under one key',
    before:
      'sha256(concat(token.subarray(0, TOKEN.request), new Writer(4).uint(4, day).bytes)).subarray(0, TOKEN.spentKey)',
    after: 'sha256(new Writer(4).uint(4, day).bytes).subarray(0, TOKEN.spentKey)',
  },
])

const request = mutationsOf('packages/protocol/src/robert/request.ts', protocolTests('request'), [
  {
    step: 'appendix C: what the MAC covers',
    breaks: 'the payload of a renewal is not under the MAC',
    before: 'const payload = request.code >= CODE.renew ? request.payload : request.payload.subarray(0, 0)',
    after: 'const payload = request.code > CODE.renew ? request.payload : request.payload.subarray(0, 0)',
  },
  {
    step: 'ROBERT §7 step 1',
    breaks: 'a payload that means nothing may be anything',
    before: 'const isCanon = isCanonical(request)',
    after: 'const isCanon = request.code in PAYLOAD',
  },
  {
    step: 'ROBERT §7 step 2',
    breaks: 'requests of any age are close',
    before: 'const distance = Math.abs(request.time - ntpOf(at))',
    after: 'const distance = request.time - ntpOf(at)',
  },
  {
    step: 'ROBERT §7 step 3, divergence 5',
    breaks: 'the key of the neighbour day is not tried',
    before: 'const days = [day, neighbourDay(epochStart(context.calendar, request.epoch))]',
    after: 'const days = [day, day]',
  },
  {
    step: 'ROBERT §7 step 4',
    breaks: 'the clear epoch is not compared with that in the EBID',
    before: 'isMatch: key !== undefined && epochOfBlock(block, 0) === request.epoch,',
    after: 'isMatch: key !== undefined,',
  },
])

const decision = mutationsOf('packages/protocol/src/robert/request-decision.ts', protocolTests('status'), [
  {
    step: 'ROBERT §7 step 6',
    breaks: 'the MAC is not checked',
    before: "if (!isGenuine) return refuse('macInvalid')",
    after: '',
    tests: protocolTests('request'),
  },
  {
    step: 'ROBERT §7 steps 6 and 7',
    breaks: 'the state is looked at before the MAC',
    before: "if (!isGenuine) return refuse('macInvalid')",
    after: "if (user.status.notified === 'none' && !isGenuine) return refuse('macInvalid')",
    tests: protocolTests('request'),
  },
  {
    step: 'ROBERT §7 step 7',
    breaks: 'who acknowledged a warning is answered again',
    before:
      "if (status.notified === 'acknowledged' && !hasEnded(status, now, context)) return refuse('alreadyNotified')",
    after: "if (hasEnded(status, now, context)) return refuse('alreadyNotified')",
  },
  {
    step: 'divergence 24: warnings end',
    breaks: 'a warning never ends',
    before:
      "if (status.notified === 'acknowledged' && !hasEnded(status, now, context)) return refuse('alreadyNotified')",
    after: "if (status.notified === 'acknowledged') return refuse('alreadyNotified')",
    tests: protocolTests('operations'),
  },
  {
    step: 'divergence 24: warnings end',
    breaks: 'a warning ends an epoch late',
    before: "return status.notified === 'acknowledged' && now - newest >= epochsIn(calendar, parameters.notifiedDays)",
    after: "return status.notified === 'acknowledged' && now - newest > epochsIn(calendar, parameters.notifiedDays)",
    tests: protocolTests('operations'),
  },
  {
    step: 'divergence 6: UN pending',
    breaks: 'UN is set for good when the reply is made',
    before: "const warned = askedStatus('pending', now, newest, tag)",
    after: "const warned = askedStatus('acknowledged', now, newest, tag)",
  },
  {
    step: 'ROBERT §7 steps 7 and 8',
    breaks: 'a lost "1" has to wait for T: step 8 comes before the pending warning',
    before: "if (status.notified === 'pending') return pending",
    after:
      "if (status.notified === 'pending' && now - (status.lastStatusRequestEpoch ?? now) >= context.parameters.statusGap) return pending",
  },
  {
    step: 'ROBERT §7 "replies with an ACK"',
    breaks: 'an acknowledgement accepts any reply id',
    before: "const settles = status.notified === 'pending' && fits",
    after: "const settles = status.notified === 'pending'",
  },
  {
    step: 'ROBERT §7 "replies with an ACK"',
    breaks: 'the acknowledgement of a "0" sets UN',
    before: "const settles = status.notified === 'pending' && fits",
    after: 'const settles = fits',
  },
  {
    step: 'ROBERT §7 step 8: (i - SRE) >= T',
    breaks: 'T epochs are not enough',
    before: "if (now - last >= -1 && now - last < context.parameters.statusGap) return refuse('tooEarly')",
    after: "if (now - last >= -1 && now - last <= context.parameters.statusGap) return refuse('tooEarly')",
  },
  {
    step: 'ROBERT §7 step 8: a mark of the future',
    breaks: 'a clock that ran ahead silences a user for as long',
    before: "if (now - last >= -1 && now - last < context.parameters.statusGap) return refuse('tooEarly')",
    after: "if (now - last < context.parameters.statusGap) return refuse('tooEarly')",
    tests: protocolTests('operations'),
  },
  {
    step: 'ROBERT §7 step 8: SRE',
    breaks: 'SRE keeps the first request',
    before: "const decided = askedStatus('none', now, status.warnedThrough, tag)",
    after: "const decided = askedStatus('none', status.lastStatusRequestEpoch ?? now, status.warnedThrough, tag)",
  },
  {
    step: 'divergence 15: the same request again',
    breaks: 'the same request again comes too early',
    before: 'if (isRepeated) return repeated',
    after: '',
  },
  {
    step: 'ROBERT §3.2.1: UN reset',
    breaks: 'exposures that warned before warn again',
    before: 'const after = user.status.warnedThrough ?? -1',
    after: 'const after = -1',
  },
  {
    step: 'appendix A',
    breaks: 'the exposure that was drawn is given although there is a real one',
    before: 'return risk.atRisk ? risk.newest : drawn',
    after: 'return drawn ?? (risk.atRisk ? risk.newest : undefined)',
    tests: protocolTests('appendix-a'),
  },
  {
    step: 'appendix C, c = 3',
    breaks: 'the entry of who leaves stays',
    before: "[CODE.unregister]: () => ({ served: true, answer: { kind: 'unregister' }, removed: true }),",
    after: "[CODE.unregister]: () => ({ served: true, answer: { kind: 'unregister' } }),",
    tests: protocolTests('operations'),
  },
  {
    step: 'appendix C, c = 4',
    breaks: 'LEE stays',
    before: "[CODE.deleteHistory]: () => ({ served: true, answer: { kind: 'deleteHistory' }, cleared: true }),",
    after: "[CODE.deleteHistory]: () => ({ served: true, answer: { kind: 'deleteHistory' } }),",
    tests: protocolTests('operations'),
  },
  {
    step: 'divergence 13: a negative test',
    breaks: 'exposures up to the test still count',
    before:
      "return { served: true, answer, status: { ...status, notified: 'none', warnedThrough: tested }, spend: reset }",
    after: "return { served: true, answer, status: { ...status, notified: 'none' }, spend: reset }",
    tests: protocolTests('operations'),
  },
  {
    step: 'divergence 13: a negative test',
    breaks: 'a token of the authority is not spent',
    before:
      "return { served: true, answer, status: { ...status, notified: 'none', warnedThrough: tested }, spend: reset }",
    after: "return { served: true, answer, status: { ...status, notified: 'none', warnedThrough: tested } }",
    tests: protocolTests('operations'),
  },
])

const reset = [
  ...mutationsOf('packages/protocol/src/robert/reset.ts', protocolTests('operations'), [
    {
      step: 'divergence 13: a negative test',
      breaks: 'forged tokens reset',
      before: 'if (!genuine || testedAt > at || at - testedAt >= days * DAY_SECONDS) return undefined',
      after: 'if (testedAt > at || at - testedAt >= days * DAY_SECONDS) return undefined',
    },
    {
      step: 'divergence 13: a negative test',
      breaks: 'a test of the future takes back warnings to come',
      before: 'if (!genuine || testedAt > at || at - testedAt >= days * DAY_SECONDS) return undefined',
      after: 'if (!genuine || at - testedAt >= days * DAY_SECONDS) return undefined',
    },
    {
      step: 'divergence 13: a negative test',
      breaks: 'a test of CT ago, whose spent token is forgotten soon, resets',
      before: 'if (!genuine || testedAt > at || at - testedAt >= days * DAY_SECONDS) return undefined',
      after: 'if (!genuine || testedAt > at || at - testedAt > days * DAY_SECONDS) return undefined',
    },
  ]),
  ...mutationsOf('packages/protocol/src/robert/id-table.ts', protocolTests('status'), [
    {
      step: 'ROBERT §7 "replies with an ACK"',
      breaks: 'the id of a "0" is that of a warning in epoch 0',
      before: 'const input = new Writer(9).uint(5, id).uint(4, episode === undefined ? 0 : episode + 1).bytes',
      after: 'const input = new Writer(9).uint(5, id).uint(4, episode ?? 0).bytes',
    },
    {
      step: 'ROBERT §7 "replies with an ACK"',
      breaks: 'the reply id is that of everybody in this episode',
      before: 'const input = new Writer(9).uint(5, id).uint(4, episode === undefined ? 0 : episode + 1).bytes',
      after: 'const input = new Writer(9).uint(5, 0).uint(4, episode === undefined ? 0 : episode + 1).bytes',
    },
  ]),
]

const drawn = mutationsOf('packages/protocol/src/robert/appendix-a.ts', protocolTests('appendix-a'), [
  {
    step: 'appendix A',
    breaks: 'everybody who is drawn is told at the start of the window',
    before: 'return isDrawn && now >= moment && counts ? (exposure as Epoch) : undefined',
    after: 'return isDrawn && counts ? (exposure as Epoch) : undefined',
  },
  {
    step: 'appendix A',
    breaks: 'an account is drawn again and again in a window',
    before: 'const draw = hmacSha256(drawKey, new Writer(9).uint(5, id).uint(4, window).bytes)',
    after: 'const draw = hmacSha256(drawKey, new Writer(9).uint(5, id).uint(4, now).bytes)',
  },
])

export const REQUEST_LINES = [...keys, ...tokens, ...request, ...decision, ...reset, ...drawn]
