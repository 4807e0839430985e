// A back-end that takes uploads and applies them, as quickly as it can, until it is killed. `crash.test.ts` starts it.
// Arguments: database, directory of the keys, file of uploads, index of the first upload to send.
import { randomBytes } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { TOKEN } from '@vicinity/protocol'
import { SIZE } from '@vicinity/protocol/robert'
import { DEFAULT_SETTINGS, makeDeps } from '../src/deps.ts'
import { processContacts } from '../src/flows/process-contacts.ts'
import { upload } from '../src/flows/upload.ts'
import { directoryKeys } from '../src/keys/key-files.ts'
import { openStore } from '../src/store/open.ts'
import { parametersOf, SERVICE_START } from './fixture.ts'
import { UPLOAD_SIZE, uploadTime } from './uploads.ts'

const AT_ONCE = 4
const [database, keys, uploads, first] = process.argv.slice(2) as [string, string, string, string]
const deps = makeDeps({
  store: openStore(`sqlite:${database}`),
  keyFiles: directoryKeys(keys),
  random: randomBytes,
  settings: { ...DEFAULT_SETTINGS, serviceStart: SERVICE_START, parameters: parametersOf({ poolWindow: 0 }) },
})
const bytes = new Uint8Array(readFileSync(uploads))

async function send(index: number): Promise<void> {
  const from = UPLOAD_SIZE * index
  const item = bytes.slice(from, from + SIZE.item)
  const random = bytes.slice(from + SIZE.item, from + SIZE.item + TOKEN.random)
  const token = bytes.slice(from + SIZE.item + TOKEN.random, from + UPLOAD_SIZE)
  await upload(deps, { item, random, token }, uploadTime(index))
  writeSync(1, `${index}\n`)
}

for (let index = Number(first); UPLOAD_SIZE * (index + AT_ONCE) <= bytes.length; index += AT_ONCE) {
  const sent = Array.from({ length: AT_ONCE }, (_, n) => send(index + n))
  const applied = index % (4 * AT_ONCE) === 0 ? [processContacts(deps, uploadTime(index))] : []
  await Promise.all([...sent, ...applied])
}
