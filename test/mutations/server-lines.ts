// Broken lines of the flows of the back-end.
import { mutationsOf, serverTests } from './mutation.ts'

const upload = mutationsOf('packages/server/src/flows/upload.ts', serverTests('upload'), [
  {
    step: 'divergence 9: spent once',
    breaks: 'the token is not spent',
    before: 'const [spent] = await tx.spendTokens([{ day, spentKey: spentKeyOf(input.token, day) }])',
    after: 'const spent = true',
  },
  {
    step: 'divergence 9: one token for each item',
    breaks: 'the token is not checked',
    before: 'if (!verifyToken(dayKey, input.item, input.random, input.token) || !kept) {',
    after: 'if (!kept) {',
  },
  {
    step: 'divergence 9: spent once',
    breaks: 'items are taken of days whose spent tokens are forgotten',
    before: 'const kept = age >= -1 && age <= deps.robert.parameters.contagiousDays + 1',
    after: 'const kept = age >= -1',
  },
  {
    step: 'divergence 20: the intake key of a window',
    breaks: 'every item is sealed under one key',
    before: 'const window = windowAt(deps.robert.parameters, at)',
    after: 'const window = 0 * windowAt(deps.robert.parameters, at)',
  },
])

const judged = mutationsOf('packages/server/src/flows/judge-contacts.ts', serverTests('process-contacts'), [
  {
    step: 'divergence 20: the intake key of a window',
    breaks: 'items are opened as those of the next window',
    before: 'place: placeOfWindow(window),',
    after: 'place: placeOfWindow(window + 1),',
  },
  {
    step: 'a key directory of another store',
    breaks: 'where nothing opens all items are thrown away',
    before: 'if (!located.some(({ opened }) => opened.includes(1))) {',
    after: 'if (located.length === 0) {',
  },
  {
    step: 'a key directory of another store',
    breaks: 'a slice in which nothing opens holds up the others',
    before: 'if (!located.some(({ opened }) => opened.includes(1))) {',
    after: 'if (!located.every(({ opened }) => opened.includes(1))) {',
  },
  {
    step: 'items altered in the store',
    breaks: 'one altered item holds up its batch',
    before: 'if (!located.some(({ opened }) => opened.includes(1))) {',
    after: 'if (located.some(({ opened }) => opened.includes(0))) {',
  },
  {
    step: 'items altered in the store',
    breaks: 'what does not open is judged all the same',
    before:
      'routes: concat(...verdicts.map(({ routes }) => routes)).map((route, k) => (opened[k] === 1 ? route : ALTERED)),',
    after:
      'routes: concat(...verdicts.map(({ routes }) => routes)).map((route, k) => (opened[k] === 2 ? ALTERED : route)),',
  },
  {
    step: 'users altered in the store',
    breaks: 'a key that was altered is not counted',
    before: "if (altered.size > 0) deps.count('store.userAltered', altered.size)",
    after: '',
  },
  {
    step: 'users altered in the store',
    breaks: 'a key that was altered counts in each slice',
    before: "if (altered.size > 0) deps.count('store.userAltered', altered.size)",
    after: "for (const slice of decided) deps.count('store.userAltered', slice.altered.length)",
    tests: serverTests('crew'),
  },
  {
    step: 'a batch in slices',
    breaks: 'only the users of the first slice are looked up',
    before: 'const wanted = [...new Set(located.flatMap(({ ids }) => ids))]',
    after: 'const wanted = [...new Set(located[0]!.ids)]',
  },
  {
    step: 'a batch in slices',
    breaks: 'the users of the second slice are written over those of the first',
    before: 'all.set(column, from)',
    after: 'all.set(column, 0)',
  },
  {
    step: 'a batch in slices',
    breaks: 'the last item of a slice is left out',
    before: 'sealed: rowsOf(SEALED_ITEM, sealed),',
    after: 'sealed: rowsOf(SEALED_ITEM, sealed.slice(0, Math.max(sealed.length - 1, 1))),',
  },
  {
    step: 'ROBERT §6.2 step 5',
    breaks: 'who was not found in the store gets the key of another',
    before: 'known.map((id) => stored.get(id)!),',
    after: 'known.map(() => [...stored.values()][0]!),',
    tests: serverTests('crew'),
  },
  {
    step: 'ROBERT §6.2 step 3',
    breaks: 'the crew knows of no federation',
    before: 'peers: robert.peers,',
    after: 'peers: new Set(),',
  },
  {
    step: 'ROBERT §6.2 step 2',
    breaks: 'the tolerance of the crew is strict in every profile',
    before: 'inclusiveTolerance: robert.profile.inclusiveTolerance,',
    after: 'inclusiveTolerance: false,',
  },
  {
    step: 'ROBERT §6.2 step 9',
    breaks: 'the crew does not know what time it is',
    before: 'const context = contextOf(deps, at)',
    after: 'const context = contextOf(deps, 0 as UnixSeconds)',
  },
])

const contacts = [
  ...mutationsOf('packages/server/src/flows/process-contacts.ts', serverTests('process-contacts'), [
    {
      step: 'ROBERT §6.2 step 9',
      breaks: 'of several exposures of a user in a batch one is added',
      before: 'else row.push(packed)',
      after: 'else row[0] = packed',
    },
    {
      step: 'ROBERT §6.2 step 9',
      breaks: 'every exposure of a batch is the first one',
      before: 'const packed = exposures.subarray(SIZE.exposure * k, SIZE.exposure * (k + 1))',
      after: 'const packed = exposures.subarray(0, SIZE.exposure)',
    },
    {
      step: 'ROBERT §6.2 step 9',
      breaks: 'exposures are not added',
      before: 'await tx.appendExposures(exposuresOf(verdicts))',
      after: 'exposuresOf(verdicts)',
    },
    {
      step: 'ROBERT §6.2 step 10',
      breaks: 'the key of a window is never destroyed',
      before: 'if (windowIsOver(parameters, window, at) && !left.includes(window)) deps.keys.destroyIntakeKey(window)',
      after: 'windowIsOver(parameters, window, at) && left.includes(window)',
    },
    {
      step: 'ROBERT §6.2 step 10',
      breaks: 'the key of a window goes while items wait',
      before: 'if (windowIsOver(parameters, window, at) && !left.includes(window)) deps.keys.destroyIntakeKey(window)',
      after: 'if (windowIsOver(parameters, window, at)) deps.keys.destroyIntakeKey(window)',
    },
    {
      step: 'pool window',
      breaks: 'a window that cannot be read holds up the others',
      before: 'await applyWindow(deps, window, at).catch((error: unknown) => failures.push(error))',
      after: 'await applyWindow(deps, window, at)',
    },
    {
      step: 'ROBERT §6.2: every item',
      breaks: 'only the first transaction of a window is applied',
      before: '} while (after !== undefined && !deps.stopping.aborted)',
      after: '} while (after?.length === 0)',
    },
  ]),
  ...judged,
  ...mutationsOf('packages/server/src/flows/pool.ts', serverTests('process-contacts'), [
    {
      step: 'pool window',
      breaks: 'items are applied before their window is over',
      before: 'parameters.poolWindow === 0 || window < windowAt(parameters, at)',
      after: 'parameters.poolWindow === 0 || window <= windowAt(parameters, at)',
    },
    {
      step: 'ROBERT §6.2 step 10',
      breaks: 'the key of a window goes while requests may still commit',
      before: 'at >= (window + 1) * windowLength(parameters) + GRACE',
      after: 'at >= (window + 1) * windowLength(parameters)',
    },
  ]),
]

const purge = mutationsOf('packages/server/src/flows/purge.ts', serverTests('purge'), [
  {
    step: 'divergence 9: spent once',
    breaks: 'spent tokens are forgotten while their items are still taken',
    before: 'await tx.forgetTokens((dayOf(at) - contagiousDays - 1) as UtcDay)',
    after: 'await tx.forgetTokens((dayOf(at) - contagiousDays) as UtcDay)',
  },
  {
    step: 'ROBERT §6.2 footnote 17',
    breaks: 'only the first page of users is purged',
    before: 'if (last === undefined || page.length < PAGE) break',
    after: 'if (last === undefined || page.length <= PAGE) break',
  },
  {
    step: 'ROBERT §6.2 footnote 17',
    breaks: 'nothing is purged',
    before: 'await tx.replaceExposures(changed)',
    after: '',
  },
])

const registration = mutationsOf('packages/server/src/flows/register.ts', serverTests('register'), [
  {
    step: 'divergence 18: a challenge serves once',
    breaks: 'a challenge serves again and again',
    before:
      "if (!(await tx.spendChallenge(work.value.spentKey, work.value.expires))) throw new Refused('challengeSpent')",
    after: 'await tx.spendChallenge(work.value.spentKey, work.value.expires)',
  },
  {
    step: 'ROBERT §4: the first list',
    breaks: 'the last day of the bundle is missing',
    before: 'const count = firstEpochOfDay(calendar, dayOf(at) + days) - epoch',
    after: 'const count = firstEpochOfDay(calendar, dayOf(at) + days - 1) - epoch',
  },
  {
    step: 'divergence 22: the permanent identifier',
    breaks: 'an identifier that is taken is given again',
    before: 'if (await tx.addUser({ id, authenticationKey, encryptionKey })) return id',
    after: 'if ((await tx.addUser({ id, authenticationKey, encryptionKey })) || draws === 0) return id',
  },
])

const serverKeys = mutationsOf('packages/server/src/flows/server-keys.ts', serverTests('purge'), [
  {
    step: 'divergence 5: destroyed after CT + 1 days',
    breaks: 'a server key goes a day early',
    before: 'deps.keys.keepServerKeys(today - contagiousDays - 1, today + bundleDays + SPARE_DAYS, from)',
    after: 'deps.keys.keepServerKeys(today - contagiousDays, today + bundleDays + SPARE_DAYS, from)',
  },
  {
    step: 'divergence 5: destroyed after CT + 1 days',
    breaks: 'a server key stays a day longer',
    before: 'deps.keys.keepServerKeys(today - contagiousDays - 1, today + bundleDays + SPARE_DAYS, from)',
    after: 'deps.keys.keepServerKeys(today - contagiousDays - 2, today + bundleDays + SPARE_DAYS, from)',
  },
])

const requests = mutationsOf(
  'packages/server/src/flows/authenticated-requests.ts',
  serverTests('authenticated-requests'),
  [
    {
      step: 'divergence 7: renew',
      breaks: 'renew tells the status',
      before: 'atRisk: status?.atRisk === true,',
      after: "atRisk: status?.atRisk ?? (user !== undefined && user.status.notified !== 'none'),",
    },
    {
      step: 'ROBERT §7 step 8 under concurrency',
      breaks: 'who lost the conditional update is answered',
      before: 'const lost = decision.served && decision.status !== undefined && user !== undefined && !hasChanged',
      after: 'const lost = decision.served && decision.status !== undefined && user !== undefined && changed.size < 0',
    },
    {
      step: 'ROBERT §7 step 8 under concurrency',
      breaks: 'two requests of one user in a batch are both answered',
      before: 'return { user, read, decision: changes && isSecond ? TOO_EARLY : decision }',
      after: 'return { user, read, decision }',
    },
    {
      step: 'ROBERT §4: identifiers of a status reply',
      breaks: 'the identifiers of a reply are those of nobody',
      before: 'function identifiersFor(deps: Deps, { read: id, decision }: Judged, at: UnixSeconds): WantedList {',
      after:
        'function identifiersFor(deps: Deps, { decision }: Judged, at: UnixSeconds, { id } = deps.nobody): WantedList {',
    },
    {
      step: 'ROBERT §4: identifiers of a status reply',
      breaks: 'in a batch everybody gets the identifiers of the first',
      before: 'return judged.map(({ user, decision }, k) => replyTo(deps, user, decision, lists[k]!, nobodysKey, at))',
      after: 'return judged.map(({ user, decision }) => replyTo(deps, user, decision, lists[0]!, nobodysKey, at))',
    },
    {
      step: 'ROBERT §4: identifiers of a status reply',
      breaks: 'in a batch the identifiers are in the order of another batch',
      before: 'return judged.map(({ user, decision }, k) => replyTo(deps, user, decision, lists[k]!, nobodysKey, at))',
      after:
        'return judged.map(({ user, decision }, k) => replyTo(deps, user, decision, lists.at(-1 - k)!, nobodysKey, at))',
    },
    {
      step: 'divergence 7: renew',
      breaks: 'renew gives identifiers of the past',
      before: 'const first = Math.min(Math.max(answer.first, now), end) as Epoch',
      after: 'const first = Math.min(answer.first, end) as Epoch',
    },
    {
      step: 'divergence 13: single use',
      breaks: 'a token of the authority resets two users',
      before: 'const fails = decision.served && decision.spend !== undefined && fresh[k] !== true',
      after: 'const fails = decision.served && decision.spend !== undefined && fresh === undefined',
      tests: serverTests('operations'),
    },
    {
      step: 'appendix C, c = 4',
      breaks: 'the exposures of who asks to forget them stay in the store',
      before: 'await tx.clearExposures(idsWhere((decision) => decision.cleared))',
      after: 'await tx.clearExposures(idsWhere((decision) => decision.removed))',
      tests: serverTests('operations'),
    },
    {
      step: 'appendix C, c = 3',
      breaks: 'the entry of who leaves stays in the store',
      before: 'await tx.removeUsers(idsWhere((decision) => decision.removed))',
      after: 'idsWhere((decision) => decision.removed)',
      tests: serverTests('operations'),
    },
    {
      step: 'divergence 8: the same statements',
      breaks: 'a request of nobody runs fewer statements',
      before: 'const fresh = await tx.spendTokens(tokens)',
      after: 'const fresh = await tx.spendTokens(tokens.filter(({ day }) => day >= 0))',
      tests: serverTests('constant-reply'),
    },
    {
      step: 'divergence 8: one constant reply',
      breaks: 'a refusal can be told from a reply by its length',
      before: 'const constant = constantReply(deps.random)',
      after: 'const constant = constantReply(deps.random).subarray(1)',
      tests: serverTests('constant-reply'),
    },
  ],
)

const AUTHORITY = 'packages/server/src/flows/authority/'
const authority = [
  ...mutationsOf(`${AUTHORITY}issue-code.ts`, serverTests('codes'), [
    {
      step: 'ROBERT §6.1: the window is of the past',
      breaks: 'a window may reach days ahead',
      before: "if (contagiousTo > later(at, DAY_SECONDS)) throw new Malformed('contagiousTo', 'not in the future')",
      after: "if (contagiousTo > later(at, 3 * DAY_SECONDS)) throw new Malformed('contagiousTo', 'not in the future')",
    },
    {
      step: 'ROBERT §6.1: at most CT',
      breaks: 'a window of CT is refused',
      before: 'if (contagiousTo - contagiousFrom > contagiousDays * DAY_SECONDS) {',
      after: 'if (contagiousTo - contagiousFrom >= contagiousDays * DAY_SECONDS) {',
    },
  ]),
  ...mutationsOf(`${AUTHORITY}code-window.ts`, serverTests('codes'), [
    {
      step: 'code life',
      breaks: 'a code is good in the second in which it ends',
      before: "if (row === undefined || at >= row.expires) throw new Refused('codeUnknown')",
      after: "if (row === undefined || at > row.expires) throw new Refused('codeUnknown')",
    },
  ]),
  ...mutationsOf(`${AUTHORITY}redeem-code.ts`, serverTests('codes'), [
    {
      step: "ROBERT §6.1: the authority's window",
      breaks: 'tokens are given for days before the window',
      before: 'if (input.day < dayOf(code.contagiousFrom) || input.day > dayOf(code.contagiousTo))',
      after: 'if (input.day > dayOf(code.contagiousTo))',
    },
    {
      step: 'divergence 12: the budget of tokens',
      breaks: 'a chunk gives tokens for other requests again',
      before:
        "if (!(await tx.bindChunk(hashOfCode(input.code), input.day, input.chunk, digest))) throw new Refused('chunkTaken')",
      after: 'await tx.bindChunk(hashOfCode(input.code), input.day, input.chunk, digest)',
    },
  ]),
]

export const SERVER_LINES = [
  ...upload,
  ...contacts,
  ...purge,
  ...registration,
  ...serverKeys,
  ...requests,
  ...authority,
]
