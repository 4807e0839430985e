#!/usr/bin/env node
// The command `vicinity`. Inside the repository it goes through scripts/run.mjs, which installs what is missing and
// brings its own Node; installed from a package it runs the compiled program.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const run = new URL('../../../scripts/run.mjs', import.meta.url)
if (existsSync(run)) {
  process.argv.splice(2, 0, fileURLToPath(new URL('../src/main.ts', import.meta.url)))
  await import(run.href)
} else {
  await import('../dist/main.js')
}
