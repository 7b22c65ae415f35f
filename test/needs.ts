/** What some tests need and not every machine has. A test that cannot run is skipped by name with its reason, or fails where skips are forbidden. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { compiler } from '../scripts/kernel.ts'

export interface Need {
  readonly what: string
  /** Path or name to use, null when it is not here. */
  readonly found: string | null
  /** How to get it. */
  readonly how: string
  /** No package of the machines where skips are forbidden brings it: without it a test is not exercised there, and that is listed. */
  readonly rare?: true
}

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const file = (path: string): string | null => (existsSync(path) ? path : null)

function command(name: string, ...args: string[]): string | null {
  try {
    execFileSync(name, args, { stdio: 'ignore' })
    return name
  } catch (error) {
    // Absent, or it cannot run here: both mean that the test cannot use it.
    return error === undefined ? name : null
  }
}

const oracles = 'run scripts/install-oracles.sh'
export const litestream: Need = { what: 'the litestream binary', found: file(inRepository('.oracles/litestream')), how: oracles }
export const litestreamVfs: Need = {
  what: 'the litestream VFS extension',
  found: file(inRepository('.oracles/node_modules/litestream-vfs-linux-amd64/litestream-vfs.so')),
  how: oracles,
}
export const python: Need = { what: 'python3 with sqlite3', found: command('python3', '-c', 'import sqlite3'), how: 'install python3' }
export const kernelCompiler: Need = { what: 'the compiler of the kernel', found: file(compiler), how: 'run npm ci --prefix kernel' }
export const linuxProc: Need = { what: '/proc', found: file('/proc/locks'), how: 'run on Linux' }

/** A `describe` that is skipped, with the reason in its title, when one of `needs` is not here. */
export function describeWith(needs: readonly Need[], title: string, body: () => void): void {
  const missing = needs.filter((need) => need.found === null)
  if (missing.length === 0) {
    describe(title, body)
    return
  }
  const reason = missing.map((need) => `${need.what} (${need.how})`).join(', ')
  if (missing.every((need) => need.rare === true)) {
    describe.skip(`${title} [not exercised: needs ${reason}]`, body)
    return
  }
  if (process.env['GENESIS_DR_FORBID_SKIPS'] === '1') throw new Error(`"${title}" cannot run here: needs ${reason}`)
  describe.skip(`${title} [skipped: needs ${reason}]`, body)
}
