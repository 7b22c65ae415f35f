/** Real Litestream as tests ask it: its binary run to the end, its daemon beside a writer, its SQLite extension in a process of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { composeParts } from '../../src/compose.ts'
import { loadConfig } from '../../src/load-config.ts'
import { headerBytes } from '../../src/ltx/header.ts'
import { formatTxid } from '../../src/ltx/txid.ts'
import { chooseTimeline, readCatalogue } from '../../src/replica/catalogue.ts'
import { restorePoints } from '../../src/replica/plan.ts'
import { readHeader } from '../../src/replica/read-object.ts'
import type { PointTarget } from '../../src/runbook/choose-point.ts'
import { litestream, litestreamVfs } from '../needs.ts'
import { end, type TestSystem, until } from './system.ts'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly errors: string
}

/** The folder of a replica as a URL that Litestream takes. */
export const replicaUrl = (...parts: readonly string[]): string => pathToFileURL(join(...parts)).href

export function runLitestream(system: TestSystem, ...args: readonly string[]): Promise<Ran> {
  return run(system, litestream.found ?? '', args, {})
}

/** What `litestream restore` gives: the path, where the file is when the status is 0. */
export async function restoreByLitestream(
  system: TestSystem,
  url: string,
  name: string,
  point: { readonly txid: number } | { readonly time: string } | null,
): Promise<Ran & { readonly path: string }> {
  const path = join(system.folder, name)
  const chosen = point === null ? [] : 'txid' in point ? ['-txid', formatTxid(point.txid)] : ['-timestamp', point.time]
  return { ...(await runLitestream(system, 'restore', '-o', path, ...chosen, url)), path }
}

/** The daemon, with a file replica and no port; resolves when its first file is there. */
export async function startDaemon(system: TestSystem): Promise<ChildProcess> {
  const config = join(system.folder, 'litestream.yml')
  const value = {
    levels: [{ interval: '300ms' }, { interval: '1s' }],
    snapshot: { interval: '500ms', retention: '24h' },
    dbs: [
      {
        path: system.database,
        'monitor-interval': '50ms',
        replica: { type: 'file', path: system.replica, 'sync-interval': '50ms' },
      },
    ],
  }
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(value))
  const child = spawn(litestream.found ?? '', ['replicate', '-config', config], { stdio: ['ignore', 'ignore', 'pipe'], env: {} })
  system.children.add(child)
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  // By name alone: a file that it is still writing may be renamed before we look into it.
  const published = (): boolean =>
    existsSync(system.replica) && readdirSync(system.replica, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.ltx'))
  await until(() => published() || child.exitCode !== null, 'the first file of the daemon')
  if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}: ${errors}`)
  return child
}

/** SIGTERM, and its exit status: 0 after it has copied the rest. */
export const endDaemon = (system: TestSystem, daemon: ChildProcess): Promise<number | null> => end(system, daemon, 'SIGTERM')

/** Rows of each statement, asked of the replica at `url` through Litestream's extension. */
export async function askThroughVfs(system: TestSystem, url: string, ...statements: readonly string[]): Promise<readonly unknown[][]> {
  const program = `
    import { DatabaseSync } from 'node:sqlite'
    const [extension, ...statements] = JSON.parse(process.env.ASK)
    const loader = new DatabaseSync(':memory:', { allowExtension: true })
    loader.loadExtension(extension, 'sqlite3_litestreamvfs_init')
    const database = new DatabaseSync('file:replica.db?vfs=litestream')
    console.log(JSON.stringify(statements.map((sql) => database.prepare(sql).all().map((row) => Object.values(row)))))
    database.close()
    process.exit(0)`
  const asked = JSON.stringify([litestreamVfs.found, ...statements])
  const environment = { ASK: asked, LITESTREAM_REPLICA_URL: url }
  const ran = await run(system, process.execPath, ['--input-type=module', '--eval', program], environment)
  if (ran.status !== 0) throw new Error(`the extension ended with ${ran.status}: ${ran.errors}${ran.out}`)
  return JSON.parse(ran.out)
}

function run(system: TestSystem, program: string, args: readonly string[], environment: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd: system.folder, env: environment, maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(program, args, options, (_error, out, errors) => {
      system.children.delete(child)
      resolve({ status: child.exitCode ?? 128, out, errors })
    })
    system.children.add(child)
  })
}

/** What `genesis-dr recover --output` makes of the replica: the path of a new file that it checked. @throws DrError */
export async function recoverByUs(system: TestSystem, name: string, target: PointTarget): Promise<string> {
  const { database, replica, folder } = system
  const sources = { config: null, database, replica: `file:${replica}`, environment: {}, workingFolder: folder }
  const request = { target, timeline: null, dryRun: false, full: true, onEvent: () => {}, signal: new AbortController().signal }
  const output = join(folder, name)
  const outcome = await composeParts(loadConfig(sources), {}).recover({ ...request, output })
  if (outcome.ended !== 'done') throw new Error(`the recovery ended as ${outcome.ended}`)
  return output
}

export interface Listed {
  readonly name: string
  readonly sizeBytes: number
  readonly mtimeMs: number
  readonly sha256: string
}

/** Every file below `folder` with what it holds, sorted. */
export function listing(folder: string): readonly Listed[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true)
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name))
      return { name, sizeBytes: size, mtimeMs, sha256: sha256Of(join(folder, name)) }
    })
}

export const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Pages in the database at each restore point of the first timeline, oldest first; the first point has txid 1. */
export async function pagesAtPoints(system: TestSystem): Promise<readonly number[]> {
  const store = await openFolderStore('file:replica', system.replica)
  const points = restorePoints(chooseTimeline(await readCatalogue(store), '00000001').files)
  return Promise.all(points.map(async ({ key }) => (await readHeader(store, key)).commit))
}

/** Sizes of the compressed pages in a file of raw blocks. */
export function blockSizes(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sizes: number[] = []
  for (let at = headerBytes; view.getUint32(at) !== 0; at += 10 + view.getUint32(at + 6)) sizes.push(view.getUint32(at + 6))
  return sizes
}
