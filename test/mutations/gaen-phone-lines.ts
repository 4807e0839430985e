// Broken lines of the phone of GAEN: what it broadcasts, what it publishes, what it believes of files.
import { clientTests, mutationsOf } from './mutation.ts'

const radio = mutationsOf('packages/client/src/gaen/radio.ts', clientTests('gaen-radio'), [
  {
    step: 'GAEN Bluetooth v1.2.2',
    breaks: 'the address stays when the identifier changes',
    before: "step.effects.push({ type: 'rotateAddress' })",
    after: '',
  },
  {
    step: 'GAEN Bluetooth v1.2.2',
    breaks: 'an identifier that is sent already gets another address',
    before: 'if (!isNew) return',
    after: '',
  },
  {
    step: 'GAEN Cryptography v1.2.1, key schedule',
    breaks: 'identifiers are those of the interval before',
    before: 'const k = interval - key.rollingStart',
    after: 'const k = Math.max(0, interval - key.rollingStart - 1)',
  },
  {
    step: 'GAEN Cryptography v1.2.1, key schedule',
    breaks: 'a clock that is set back and forth draws key after key',
    before: 'if (running !== undefined) return running',
    after: 'if (running === state.keys.at(-1) && running !== undefined) return running',
  },
  {
    step: 'GAEN, 14 days',
    breaks: 'a flood fills the log',
    before: 'return ++state.heardInHour > MOST_IN_HOUR',
    after: 'return false',
  },
])

const keys = mutationsOf('packages/client/src/gaen/publication-keys.ts', clientTests('gaen-publish'), [
  {
    step: 'GAEN, publication',
    breaks: 'the interval of the publication is lost',
    before: 'const elapsed = intervalAt(at) - start + 1',
    after: 'const elapsed = intervalAt(at) - start',
  },
  {
    step: 'GAEN, publication',
    breaks: 'the key that is broadcast is published',
    before: 'if (isCut) rotate(step)',
    after: '',
  },
  {
    step: 'GAEN, revision',
    breaks: 'after a negative test everything is sent',
    before: "if (testType === 'negative') return ofFate((fate) => fate === 'published')",
    after: '',
  },
])

const publish = mutationsOf('packages/client/src/gaen/publish.ts', clientTests('gaen-publish', 'gaen-refused'), [
  {
    step: 'GAEN, consent',
    breaks: 'the code is sent before the user consents',
    before: 'state.publication = code === undefined ? undefined : newPublication(code, false, event.onset)',
    after: "goOn(step, (state.publication = newPublication(event.code, false, event.onset)), 'verify', step.at)",
  },
  {
    step: 'GAEN, chaff',
    breaks: 'a publication ends where it was refused',
    before: "next(step, publication.stage === 'publish' ? publication : goOnAsChaff(step, publication))",
    after: 'end(step, publication)',
  },
  {
    step: 'GAEN, publication',
    breaks: 'a publication that arrived counts as refused when its answer was lost',
    before: 'if (hasArrived) tellPublished(step, publication)',
    after: "if (hasArrived) tell(step, { what: 'codeRefused' })",
  },
  {
    step: 'GAEN, chaff',
    breaks: 'chaff that has begun is cut off for a publication',
    before: 'if (state.chaff !== undefined && !hasBegun(state.chaff)) state.chaff = undefined',
    after: 'state.chaff = undefined',
    tests: clientTests('gaen-chaff'),
  },
])

const requests = mutationsOf('packages/client/src/gaen/publication-requests.ts', clientTests('gaen-chaff'), [
  {
    step: 'GAEN, chaff',
    breaks: 'the size of a request says what is in it',
    before: 'const missing = BODY_BYTES * Math.ceil(length / BODY_BYTES) - length',
    after: 'const missing = 1024',
  },
  {
    step: 'GAEN, chaff',
    breaks: 'the mark of chaff is longer than its opposite',
    before: "[publication.chaff ? 'x-chaff' : 'x-usual']: '1',",
    after: "[publication.chaff ? 'x-chaff' : 'x-no']: '1',",
  },
])

const files = mutationsOf('packages/client/src/gaen/exports.ts', clientTests('gaen-exports'), [
  {
    step: 'GAEN, signature',
    breaks: 'a file that nobody trusted signed counts as read',
    before: 'if (event.trusted) {',
    after: '{',
  },
  {
    step: 'GAEN, revision',
    breaks: 'a key that was taken back returns with an older file',
    before: 'if (before === undefined ? exposure.sightings.length === 0 : before.revised && !exposure.revised) return',
    after: 'if (before === undefined && exposure.sightings.length === 0) return',
  },
  {
    step: 'GAEN, own keys',
    breaks: 'who hears an echo of the own phone has met a patient',
    before: 'if (!isMine) takeOver(state, key)',
    after: 'takeOver(state, key)',
  },
  {
    step: 'GAEN, index',
    breaks: 'a comparison that never ended is waited for for ever',
    before: 'download.due = later(step.at, MATCH_PATIENCE)',
    after: 'download.due = undefined',
  },
])

export const GAEN_PHONE_LINES = [...radio, ...keys, ...publish, ...requests, ...files]
