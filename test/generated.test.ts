// The WebAssembly in the source is what asm/ and its writers give today.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { render } from '../scripts/wasm.ts'

test('the generated modules are current', async () => {
  for (const { file, text } of await render()) {
    assert.ok((await readFile(file, 'utf8')) === text, `${file.pathname} is stale: npm run wasm`)
  }
})
