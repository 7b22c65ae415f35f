/**
 * Makes node_modules/.bin/node the Node that package-lock.json brings, which npm scripts and `npx` then run on. Called by `npm ci`, as
 * `prepare`, and by scripts/ensure-installed.mjs. Runs on Node 20.
 *
 * npm links it by itself, but npm 10 (10.9.9, tried 2026-11) then removes the link again together with that of the package for the other
 * kind of processor, which it did not install. And where the binary does not run, on a Linux without glibc, the link would only hide the
 * machine's own Node: there it is removed.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const link = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
const target = `../node-linux-${process.arch}/bin/node`
const binary = fileURLToPath(new URL(`../node_modules/.bin/${target}`, import.meta.url))

if (existsSync(binary)) {
  const runs = spawnSync(binary, ['--version'], { stdio: 'ignore' }).status === 0
  if (!runs) rmSync(link, { force: true })
  else if (!existsSync(link)) symlinkSync(target, link)
}
