/**
 * Installs what package-lock.json names when node_modules is missing or out of date, and is silent otherwise: runs before `npm run drill`,
 * `npm test` and the other scripts, so that a fresh clone needs no other command. Runs on Node 20, whatever this repository itself needs.
 *
 * Everything goes to stderr: the standard output of a script belongs to the script (`npm run -s drill -- --json`).
 * Safe to repeat: yes, because `npm ci` begins with an empty node_modules, and npm writes its own lock file in there last.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const needed = [24, 14]
const [major, minor] = process.versions.node.split('.').map(Number)
const nodeIsOld = major < needed[0] || (major === needed[0] && minor < needed[1])
/** The Node that the lock file brings is built for these, against glibc. */
const bringsNode = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
const link = 'node_modules/.bin/node'
const options = [
  '--no-audit',
  '--no-fund',
  // Nothing that is locked needs a script to be installed.
  '--ignore-scripts',
  // Whatever NODE_ENV says: the tests and the Node that they run on are part of it.
  '--include=dev',
  '--include=optional',
  // No warnings about an old Node, which is about to be replaced; but never less than errors, as `npm run -s` would have it.
  '--loglevel=error',
]

if (nodeIsOld && !bringsNode) {
  const here = `${process.platform} ${process.arch} with Node ${process.versions.node}`
  refuse(
    2,
    `this repository brings its own Node ${needed.join('.')} for Linux on x64 and arm64, and this is ${here} (RUNTIME_TOO_OLD)`,
    'Nothing was installed or changed.',
    `Install Node ${needed.join('.')} or newer, put it first in PATH, and repeat the command.`,
  )
}
const why = whyToInstall()
if (why !== null) install()
if (why !== null || !existsSync(path(link))) await import('./link-node.mjs')
if (nodeIsOld && !existsSync(path(link))) {
  refuse(
    2,
    `the Node ${needed.join('.')} that package-lock.json brings does not run here: it needs a Linux with glibc (RUNTIME_TOO_OLD)`,
    'Nothing outside node_modules was changed.',
    `Install Node ${needed.join('.')} or newer, put it first in PATH, and repeat the command.`,
  )
}

/** Null when node_modules holds exactly what the lock file names for this machine. */
function whyToInstall() {
  const installed = packagesIn('node_modules/.package-lock.json')
  if (installed === null) return 'there is no complete node_modules yet'
  const locked = packagesIn('package-lock.json')
  const names = Object.keys(installed)
  // What is optional and was not installed is for another kind of machine.
  const left = Object.keys(locked).find((name) => name !== '' && !(name in installed) && locked[name].optional !== true)
  if (left !== undefined) return `${left} was not installed`
  const other = names.find((name) => identity(installed[name]) !== identity(locked[name]))
  if (other !== undefined) return `${other} is not the one of package-lock.json`
  if (nodeIsOld) names.push(`node_modules/node-linux-${process.arch}`)
  const gone = names.find((name) => !existsSync(path(name)))
  return gone === undefined ? null : `${gone} is missing`
}

function packagesIn(file) {
  return existsSync(path(file)) ? JSON.parse(readFileSync(path(file), 'utf8')).packages : null
}

function identity(entry) {
  return entry && [entry.version, entry.integrity, entry.resolved, entry.link].join()
}

function install() {
  process.stderr.write(`Installing what package-lock.json names, because ${why} ...\n`)
  const startedMs = performance.now()
  const [command, ...args] = npm()
  const { status, stdout, stderr, error } = spawnSync(command, [...args, 'ci', ...options], {
    cwd: path(''),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0) {
    process.stderr.write([stdout, stderr, error && `${error.message}\n`].filter(Boolean).join(''))
    refuse(
      1,
      `npm ci failed with status ${status}; what it said is above`,
      'Nothing outside node_modules was changed.',
      'Look whether the registry can be reached, then repeat the command.',
    )
  }
  process.stderr.write(`Installed in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.\n`)
}

/** The npm that runs us, on the Node that runs it: the one in node_modules is about to be replaced. */
function npm() {
  const { npm_execpath: script, npm_node_execpath: node } = process.env
  return script && node && existsSync(script) && existsSync(node) ? [node, script] : ['npm']
}

function path(name) {
  return fileURLToPath(new URL(`../${name}`, import.meta.url))
}

function refuse(status, what, untouched, next) {
  process.stderr.write(`error      ${what}\nuntouched  ${untouched}\nnext       ${next}\n`)
  process.exit(status)
}
