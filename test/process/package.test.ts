/** What is published, as somebody gets it: packed, installed into an empty folder and used there; and what a clone installs for itself. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeWith, linuxProc } from '../needs.ts'
import { repository } from '../support/system.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'genesis-dr-package-')))
const nodeOnly = join(folder, 'node-only')
/** None of the repository's own tools. */
const machine = (process.env['PATH'] ?? '').split(':').filter((one) => !one.includes('node_modules'))
/** What a user of the package has: a Node that is new enough. */
const withThisNode = [nodeOnly, ...machine].join(':')
/** What a clone begins with: the machine's own Node, which may be old. */
const asItIs = [...machine, nodeOnly].join(':')
const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(where: string, command: string, ...args: readonly string[]): Ran {
  return runWith(withThisNode, where, command, ...args)
}

function runWith(path: string, where: string, command: string, ...args: readonly string[]): Ran {
  // Not what an npm that runs this test hands down, such as its own configuration and the folder it was called in.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  return spawnSync(command, args, { cwd: where, encoding: 'utf8', env: { ...Object.fromEntries(inherited), PATH: path } })
}

function outputOf(where: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = run(where, command, ...args)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`)
  return stdout
}

function copyOf(name: string, ...files: readonly string[]): string {
  const copy = join(folder, name)
  for (const file of files) cpSync(join(repository, file), join(copy, file), { recursive: true })
  return copy
}

function jsonIn(file: string) {
  return JSON.parse(readFileSync(join(repository, file), 'utf8'))
}

let unreachable: string | null = null
beforeAll(() => {
  mkdirSync(nodeOnly)
  symlinkSync(realpathSync(process.execPath), join(nodeOnly, 'node'))
  const { status, stderr } = run(folder, 'npm', 'view', 'zod@latest', 'name', '--prefer-offline', '--fetch-retries=1')
  if (status !== 0) unreachable = `needs a registry that npm can reach (npm view ended with ${status}: ${stderr.split('\n')[0]})`
}, 60_000)
beforeEach((context) => {
  if (unreachable !== null) context.skip(unreachable)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the published package', () => {
  const user = join(folder, 'user')

  beforeAll(() => {
    if (unreachable !== null) return
    const packed = copyOf('packed', 'package.json', 'bin', 'docs', 'LICENSE', 'README.md')
    const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', join(packed, 'dist')]
    outputOf(repository, process.execPath, ...compiler)
    const tarball = outputOf(packed, 'npm', 'pack', '--ignore-scripts', '--loglevel=error').trim()
    mkdirSync(user)
    writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }')
    outputOf(user, 'npm', 'install', join(packed, tarball), ...quietly)
  }, 180_000)

  it('brings its three dependencies and nothing else: no Node, no tools', () => {
    const installed = readdirSync(join(user, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(installed).toEqual(['commander', 'genesis-dr', 'yaml', 'zod'])
  })

  it('holds what was built, and neither sources nor tests', () => {
    const files = readdirSync(join(user, 'node_modules/genesis-dr'), { recursive: true, encoding: 'utf8' })
    expect(files.filter((file) => !file.includes('/')).sort()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'docs', 'package.json'])
    const entries = ['cli', 'capture', 'check', 'drill-bot'].map((name) => `dist/entries/${name}.js`)
    expect(files).toEqual(expect.arrayContaining(['bin/genesis-dr.js', 'dist/index.js', 'dist/index.d.ts', ...entries]))
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([])
  })

  it('npx genesis-dr --help -> the help', () => {
    expect(outputOf(user, 'npx', '--no-install', 'genesis-dr', '--help')).toContain('drill')
  })

  it('npx genesis-dr drill -> the disaster is played and recovered, from what was built alone', () => {
    const result = outputOf(user, 'npx', '--no-install', 'genesis-dr', 'drill', '--scenario', 'DATABASE_CORRUPTION', '--json')
    expect(JSON.parse(result)).toMatchObject({ success: true, lostTransactions: 0, teardown: { clean: true, left: [] } })
  })

  it('a program that imports it -> types and code are found', () => {
    const program = `import { DROrchestrator, DRScenario } from 'genesis-dr'
      const opened: Promise<DROrchestrator> = DROrchestrator.open({ config: 'none.yaml' })
      opened.catch((error: Error) => console.log(DRScenario.DATABASE_CORRUPTION, error.message))`
    writeFileSync(join(user, 'program.ts'), program)
    symlinkSync(join(repository, 'node_modules/@types'), join(user, 'node_modules/@types'))
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node', 'program.ts']
    outputOf(user, process.execPath, join(repository, 'node_modules/typescript/bin/tsc'), ...options)
    expect(outputOf(user, 'node', 'program.ts')).toMatch(/^DATABASE_CORRUPTION .*none\.yaml/)
  })
})

describeWith([linuxProc], 'a fresh clone', () => {
  /** A clone with the lock file cut down to the Node that it brings and one dependency, because a whole one takes long. */
  function smallClone(): string {
    const clone = copyOf('clone', '.npmrc', 'runtime', 'scripts/ensure-installed.mjs', 'scripts/link-node.mjs')
    const { name, version, workspaces, dependencies } = jsonIn('package.json')
    const { zod } = dependencies
    const small = { name, version, workspaces, dependencies: { zod } }
    const { packages, ...lock } = jsonIn('package-lock.json')
    const kept = Object.entries(packages).filter(([at]) => /^(runtime|node_modules\/(genesis-dr-runtime|node-linux-.*|zod))$/.test(at))
    writeFileSync(join(clone, 'package.json'), JSON.stringify({ ...small, scripts: { pretest: 'node scripts/ensure-installed.mjs' } }))
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ ...lock, packages: { '': small, ...Object.fromEntries(kept) } }))
    return clone
  }

  it('installs what is locked, its own Node too, and is silent when it is there; what is missing or another comes back', () => {
    const clone = smallClone()
    const node = 'node_modules/.bin/node'
    const ensure = (): Ran => runWith(asItIs, clone, 'npm', 'run', '-s', 'pretest')
    const first = ensure()
    expect(first).toMatchObject({ status: 0, stdout: '' })
    expect(first.stderr).toMatch(/^Installing .* because there is no complete node_modules yet \.\.\.\nInstalled in [\d.]+ s\.\n$/)
    expect(outputOf(clone, node, '--version')).toMatch(/^v24\./)
    expect(ensure()).toMatchObject({ status: 0, stdout: '', stderr: '' })

    rmSync(join(clone, node))
    expect(ensure()).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(outputOf(clone, node, '--version')).toMatch(/^v24\./)

    const installed = join(clone, 'node_modules/.package-lock.json')
    writeFileSync(installed, readFileSync(installed, 'utf8').replace(/("node_modules\/zod": \{\s+"version": )"[^"]+"/, '$1"0.0.1"'))
    expect(ensure().stderr).toMatch(/because node_modules\/zod is not the one of package-lock\.json .*\nInstalled in/)
    expect(ensure()).toMatchObject({ status: 0, stdout: '', stderr: '' })
  }, 120_000)
})
