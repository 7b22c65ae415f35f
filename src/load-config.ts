/** Reads the configuration file and the files that `..._FILE` variables name, and makes the configuration of them. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { type Config, readConfig } from './config.ts'
import { DrError, sentenceOf } from './errors.ts'

export interface ConfigSources {
  /** Path of a file that must be there; null: `genesis-dr.yaml` of the working folder, if it is there. */
  readonly config: string | null
  readonly database: string | null
  readonly replica: string | null
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
}

const defaultName = 'genesis-dr.yaml'

/** @throws CONFIG_INVALID */
export function loadConfig({ config, database, replica, environment, workingFolder }: ConfigSources): Config {
  const path = resolve(workingFolder, config ?? defaultName)
  return readConfig({
    file: config === null && !existsSync(path) ? null : { path, text: textOf(path, 'the configuration') },
    flags: { database: database ?? undefined, replica: replica ?? undefined },
    environment: { webhook: secretOf('DR_NOTIFICATION_WEBHOOK', environment), bucket: environment['DR_S3_BUCKET'] },
    workingFolder,
    resolve,
    dirname,
    basename,
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
