/** `init`, put together: it works without a configuration, so that it is composed apart from the system that one describes. */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { composeSearch } from './adapters/compose/compose-search.ts'
import { writeConfiguration } from './adapters/filesystem/configuration-file.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { databaseSearch } from './adapters/filesystem/database-search.ts'
import { codeOf } from './adapters/filesystem/durable.ts'
import { deviceOf, openFolderStore } from './adapters/filesystem/object-store.ts'
import { usersOfHost } from './adapters/node/users.ts'
import { openFilesFromProc } from './adapters/proc/open-files.ts'
import { runCommand } from './adapters/process/run-command.ts'
import { databaseChecks } from './adapters/sqlite/database-checks.ts'
import { journalMode } from './adapters/sqlite/journal-mode.ts'
import { schemaReader } from './adapters/sqlite/schema-reader.ts'
import { haltDropIn, probeHaltDropIn } from './adapters/systemd/halt-drop-in.ts'
import { unitSearch } from './adapters/systemd/unit-search.ts'
import { captureAccess } from './capture-access.ts'
import type { InitCommand } from './cli/parts.ts'
import type { Config } from './config.ts'
import { DrError, isDrError } from './errors.ts'
import type { Standing } from './init/facts.ts'
import { type InitPorts, initialise } from './init/init.ts'
import type { InitOutcome } from './init/outcome.ts'
import { loadConfig } from './load-config.ts'
import type { KnownCapture } from './runbook/holders.ts'

const script = fileURLToPath(new URL('../bin/genesis-dr.js', import.meta.url))
/** Of a clone: this name of its Node stays when the version in it changes. */
const nodeOfClone = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))

function nodePath(): string {
  return existsSync(nodeOfClone) && realpathSync(nodeOfClone) === process.execPath ? nodeOfClone : process.execPath
}

/** `config`: made of the flags alone; `database` of it counts only where the request says that it was named. */
export async function init({ database, replica }: Pick<Config, 'database' | 'replica'>, request: InitCommand): Promise<InitOutcome> {
  const { folder, wal, choose, agrees } = request
  const output = request.output ?? join(folder, 'genesis-dr.yaml')
  const path = replica?.path ?? join(dirname(output), '.genesis', 'replica')
  const named = request.database === 'named' ? database : null
  for (const one of [folder, output, path, named ?? '']) requirePlain(one)
  const ports: InitPorts = {
    search: databaseSearch,
    files: databaseFiles,
    openFiles: openFilesFromProc,
    schema: schemaReader,
    checks: databaseChecks,
    caretakers: { units: unitSearch(runCommand), containers: composeSearch },
    users: usersOfHost(runCommand),
    journalMode,
    program: { node: nodePath(), script },
    writeConfiguration,
    standing: async (path) => standingAt(path),
    unitText: readableText,
    deviceOf,
    dirname,
    captureOf: (file) => readable(captureAccess(file, join(dirname(file), `.${basename(file)}-dr`), store, 'look')),
    haltOf: async (unit, configuration) => {
      const dropIn = haltDropIn(unit, join(dirname(configuration), '.genesis', 'halt.json'))
      return (await probeHaltDropIn(unit, dropIn, runCommand)).state === 'in place' ? null : dropIn
    },
  }
  const store = await openFolderStore(`file:${path}`, path)
  return initialise(ports, {
    folder,
    output,
    replica: { path, given: replica === null ? 'proposed' : 'given' },
    database: named,
    wal,
    choose,
    agrees,
  })
}

function readableText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === '') throw error
    return null
  }
}

/** @throws CONFIG_INVALID */
function standingAt(path: string): Standing {
  const { name, database, replica, service } = loadConfig({
    config: path,
    database: null,
    replica: null,
    environment: {},
    workingFolder: dirname(path),
  })
  return { text: readFileSync(path, 'utf8'), name, database, replica: replica?.path ?? null, service }
}

/** A capture of another user, whose lock this one may not even try, is not told from other processes. */
function readable(capture: KnownCapture): KnownCapture {
  const orNull = <T>(answer: Promise<T>): Promise<T | null> =>
    answer.catch((error: unknown) => {
      if (isDrError(error, 'DATABASE_READ_ONLY', 'IO_FAILED', 'CAPTURE_SILENT')) return null
      throw error
    })
  return { knownFile: () => orNull(capture.knownFile()), reach: async () => (await orNull(capture.reach())) ?? { pid: null } }
}

/** Such a path would end a line of a unit file or of a configuration. @throws USAGE */
function requirePlain(path: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (!/[\u0000-\u001f\u007f]/.test(path)) return
  throw new DrError('USAGE', {
    what: `the path ${JSON.stringify(path)} holds a character that ends a line or steers a screen`,
    untouched: 'Nothing was written.',
    next: 'Give the folder another name.',
  })
}
