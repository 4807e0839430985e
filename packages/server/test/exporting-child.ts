// An exporter that is going to be killed: makes exports of one day after another, until it dies.
import { DAY_SECONDS, type UnixSeconds } from '@vicinity/protocol'
import { directoryFiles } from '../src/export-files.ts'
import { directoryKeys } from '../src/keys/key-files.ts'
import { keyServer, runExports } from './key-server-fixture.ts'

const [store, keys, files, from, until] = process.argv.slice(2)
const server = keyServer(
  { after: () => {} },
  {
    store: store!,
    keyFiles: directoryKeys(keys!),
    files: directoryFiles(files!),
    at: Number(from) as UnixSeconds,
    exports: { padding: { level: 1, onsetDays: 1 } },
  },
)
// The thread of the store takes its time to start: who is killed before has done nothing.
await server.deps.store.transaction((tx) => tx.exportWindows())
process.stdout.write('ready\n')
while (server.clock.now < Number(until)) await runExports(server, DAY_SECONDS)
process.stdout.write('done\n')
