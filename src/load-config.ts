/** Reads the configuration file and the files that `..._FILE` variables name, and makes the configuration of them. */
import { existsSync, readFileSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf } from './adapters/filesystem/durable.ts'
import { type Config, readConfig } from './config.ts'
import { DrError, isDrError, sentenceOf } from './errors.ts'

export interface ConfigSources {
  /** Path of a file that must be there; null: `genesis-dr.yaml` of the working folder, if it is there. */
  readonly config: string | null
  readonly database: string | null
  readonly replica: string | null
  /** 'not read': none, whatever stands in the working folder. */
  readonly settings?: 'not read'
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
}

/** When the file was written last, ms since the epoch; null: there is none any more. */
export function changedAtMs(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null
}

const defaultName = 'genesis-dr.yaml'

/** @throws CONFIG_INVALID */
export function loadConfig({ config, database, replica, settings, environment, workingFolder }: ConfigSources): Config {
  const path = resolve(workingFolder, config ?? defaultName)
  const without = settings === 'not read' || (config === null && !existsSync(path))
  return readConfig({
    file: without ? null : { path, text: textOf(path, 'the configuration') },
    flags: { database: database ?? undefined, replica: replica ?? undefined },
    environment: { webhook: secretOf('DR_NOTIFICATION_WEBHOOK', environment), bucket: environment['DR_S3_BUCKET'] },
    workingFolder,
    resolve,
    dirname,
    basename,
    realFile,
  })
}

/** Linux follows as many in one path. */
const mostLinks = 40

/**
 * The same path without symbolic links. Where the file is missing, as in the middle of a recovery, the path that it had: a link to it
 * still says that.
 */
function realFile(path: string): string {
  try {
    let at = path
    for (let followed = 0; followed <= mostLinks; followed++) {
      const facts = statSync(at, { throwIfNoEntry: false })
      if (facts !== undefined) return requireFile(realpathSync(at), facts)
      const folder = realFolder(dirname(at))
      const target = linkTarget(at)
      if (target === null) return join(folder ?? dirname(at), basename(at))
      if (folder === null) break
      at = resolve(folder, target)
      if (!existsSync(dirname(at))) throw invalid(`the database ${path} is a symbolic link to ${at}, and there is no folder ${dirname(at)}`)
    }
    throw invalid(`the database ${path} is a symbolic link that leads nowhere`)
  } catch (error) {
    if (codeOf(error) === '' || isDrError(error)) throw error
    throw invalid(`the database ${path} cannot be looked at: ${sentenceOf(error)}`, error)
  }
}

function requireFile(path: string, facts: Stats): string {
  if (facts.isFile()) return path
  const kind = facts.isDirectory() ? 'a folder' : facts.isFIFO() ? 'a pipe' : facts.isSocket() ? 'a socket' : 'a device'
  throw invalid(`the database ${path} is ${kind}, not a file`)
}

/** The same path without symbolic links in its folder. */
export function realPlace(path: string): string {
  return join(realFolder(dirname(path)) ?? dirname(path), basename(path))
}

/** null: there is none. */
export function realFolder(path: string): string | null {
  return existsSync(path) ? realpathSync(path) : null
}

/** null: there is no link. */
function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(codeOf(error))) return null
    throw error
  }
}

function invalid(what: string, cause?: unknown): DrError {
  return new DrError('CONFIG_INVALID', {
    what,
    untouched: 'Nothing was done.',
    next: 'Give the path of the database file itself, with --db or in the configuration.',
    cause,
  })
}

/** The value of a variable, or of the file that its `..._FILE` names. */
function secretOf(name: string, environment: ConfigSources['environment']): string | undefined {
  const path = environment[`${name}_FILE`]
  const value = environment[name] ?? (path === undefined ? undefined : textOf(path, `${name}_FILE`).trim())
  return value === '' ? undefined : value
}

function textOf(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new DrError('CONFIG_INVALID', {
      what: `${what} cannot be read: ${sentenceOf(error)}`,
      untouched: 'Nothing was done.',
      next: 'Correct the path or its permissions.',
      cause: error,
    })
  }
}
