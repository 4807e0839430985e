// Compiles pkcs11js, which speaks to PKCS#11 tokens, against the headers that came with this Node: nothing is downloaded. Needs make,
// g++ and python3.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const done = spawnSync('npm', ['rebuild', 'pkcs11js', '--ignore-scripts=false', '--loglevel=error'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env: { ...process.env, npm_config_nodedir: dirname(dirname(process.execPath)) },
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
