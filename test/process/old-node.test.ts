/** What the command says on a Node that is too old, on this machine's own where it is one, and on a pretended one everywhere. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { repository } from '../support/system.ts'

const pretending = (version: string): readonly string[] => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  return [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
}
const pretended = pretending('20.1.2')

function oldNodesHere(): readonly string[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  const candidates = new Set(folders.filter((folder) => !folder.includes('node_modules')).map((folder) => join(folder, 'node')))
  return [...candidates].filter((node) => existsSync(node) && majorOf(node) < 24)
}

function majorOf(node: string): number {
  return Number(/^v(\d+)\./.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout)?.[1])
}

const temporary: string[] = []
afterEach(() => {
  for (const folder of temporary.splice(0)) rmSync(folder, { recursive: true })
})

/** The command in a folder of its own, with nothing or with a file of `dist/` beside it. */
function packageWith(built: string | null): string {
  const folder = mkdtempSync(join(tmpdir(), 'genesis-dr-old-node-'))
  temporary.push(folder)
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'dist/entries'), { recursive: true })
  copyFileSync(join(repository, 'bin/genesis-dr.js'), join(folder, 'bin/genesis-dr.js'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  if (built !== null) writeFileSync(join(folder, 'dist/entries/cli.js'), built)
  return folder
}

function run([command = '', ...args]: readonly string[], folder: string): { status: number | null; stdout: string; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(command, [...args, join(folder, 'bin/genesis-dr.js'), 'status'], { encoding: 'utf8' })
  return { status, stdout, lines: stderr.trimEnd().split('\n') }
}

const says = (version: string, next: RegExp): readonly unknown[] => [
  expect.stringMatching(new RegExp(`^error +genesis-dr needs Node 24\\.14 or newer, and this is Node ${version}.*\\(RUNTIME_TOO_OLD\\)$`)),
  expect.stringMatching(/^untouched +Nothing was done\.$/),
  expect.stringMatching(next),
]

it.each([...oldNodesHere().map((node) => [node]), pretended])('%s in a clone -> three lines that name npm ci, and 2', (...node) => {
  const { status, stdout, lines } = run(node, repository)
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(lines).toEqual(says(node.length > 1 ? '20\\.1\\.2' : '\\d+', /^next +Run "npm ci" here.*npx genesis-dr.*npm run drill/))
})

it('a Node 24 whose SQLite checkpoints where it is only to look -> three lines, and 2', () => {
  const { status, lines } = run(pretending('24.13.1'), packageWith('throw new Error("it was run")'))
  expect({ status, lines }).toEqual({ status: 2, lines: says('24\\.13\\.1', /^next +Install Node 24\.14 or newer/) })
})

it('an old Node where the package is installed -> three lines that name Node, and 2; what was built is not touched', () => {
  const { status, stdout, lines } = run(pretended, packageWith('throw new Error("it was run")'))
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(lines).toEqual(says('20\\.1\\.2', /^next +Install Node 24\.14 or newer/))
})

it('a Node that is new enough where the package is installed -> what was built is run', () => {
  const { status, stdout } = run([process.execPath], packageWith('process.stdout.write("built")'))
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'built' })
})

it('neither sources nor anything built beside it -> three lines, and 2', () => {
  const { status, lines } = run([process.execPath], packageWith(null))
  expect({ status, lines: lines.length }).toEqual({ status: 2, lines: 3 })
})
