#!/usr/bin/env node
/**
 * The command `genesis-dr`: looks at the Node that runs it, then starts the command line, from the sources in a clone, else from dist/.
 *
 * Written so that Node 12 still parses and runs it, and an old Node says what is missing instead of "SyntaxError": no `node:` prefix, no
 * top-level await, no optional chaining.
 */
// biome-ignore-all lint/style/useNodejsImportProtocol: Node 12 does not know the prefix
import { existsSync } from 'fs'
import { fileURLToPath } from 'url'

// From 24.14 on its SQLite is 3.51, which can say where the log ends without checkpointing; older ones checkpoint instead.
const needed = [24, 14]

// Node strips the types of the sources by itself. They come first, so that an outdated dist/ in a clone is never run.
const sources = new URL('../src/entries/cli.ts', import.meta.url)
const built = new URL('../dist/entries/cli.js', import.meta.url)
const isClone = existsSync(fileURLToPath(sources))

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  const here = `Node ${process.versions.node} (${process.execPath})`
  refuse(
    `genesis-dr needs Node ${needed.join('.')} or newer, and this is ${here} (RUNTIME_TOO_OLD)`,
    isClone
      ? 'Run "npm ci" here: on Linux it brings a Node of its own, and "npx genesis-dr ..." and "npm run drill" use that one.'
      : `Install Node ${needed.join('.')} or newer, put it first in PATH, and repeat the command.`,
  )
} else if (isClone || existsSync(fileURLToPath(built))) {
  import(isClone ? sources.href : built.href)
} else {
  refuse('this copy of genesis-dr is not complete: it has neither src/ nor dist/ (USAGE)', 'Install the package again.')
}

function refuse(what, next) {
  process.stderr.write(`error      ${what}\nuntouched  Nothing was done.\nnext       ${next}\n`)
  process.exitCode = 2
}
