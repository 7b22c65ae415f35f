/**
 * The starts of a bot, numbered, each a record in a folder: `000007.started` is written by the wrapper (boot id, its `stat` line,
 * size of the log) before the bot begins, `000007.ended` holds the exit status of the bot. A number is never used twice, because a record is created exclusively
 * and removed only when twenty newer ones exist.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, createFile, syncFolder } from '../filesystem/durable.ts'
import { decodeStat } from '../proc/process-table.ts'

const keptRecords = 20

export interface Start {
  /** 1 for the first. */
  readonly number: number
  /** The wrapper; null when the record is not complete (it is about to be, or its writer died). */
  readonly wrapper: { readonly bootId: string; readonly pid: number; readonly startTicks: number } | null
  /** Bytes that the log had before; null when the record does not say. */
  readonly logFrom: number | null
  /** null while it runs, and when the wrapper died before the bot's end. */
  readonly exitStatus: number | null
}

export interface StartFiles {
  readonly record: string
  readonly ended: string
}

export function startFiles(folder: string, number: number): StartFiles {
  const name = String(number).padStart(6, '0')
  return { record: join(folder, `${name}.started`), ended: join(folder, `${name}.ended`) }
}

/** null when there was no start yet. */
export function newestStart(folder: string): Start | null {
  const number = Math.max(0, ...startNumbers(folder))
  return number === 0 ? null : readStart(folder, number)
}

export function readStart(folder: string, number: number): Start {
  const { record, ended } = startFiles(folder, number)
  const [bootId = '', statLine = '', logFrom = ''] = (textOf(record) ?? '').split('\n')
  const facts = decodeStat(statLine)
  const status = /^(\d{1,3})\n$/.exec(textOf(ended) ?? '')?.[1]
  return {
    number,
    wrapper: facts === null ? null : { bootId, pid: facts.pid, startTicks: facts.startTicks },
    logFrom: /^\d+$/.test(logFrom) ? Number(logFrom) : null,
    exitStatus: status === undefined ? null : Number(status),
  }
}

/** The record of the start outlives a power failure when this resolves. */
export async function makeStartDurable(folder: string, number: number): Promise<void> {
  const { record } = startFiles(folder, number)
  const file = await open(record, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(record))
}

/** Writes the exit status where the wrapper could not, being killed too. One that is known already is kept. */
export async function recordExit(folder: string, number: number, status: number): Promise<void> {
  await createFile(startFiles(folder, number).ended, (file) => file.writeFile(`${status}\n`))
}

export function forgetOldStarts(folder: string): void {
  const numbers = [...startNumbers(folder)].sort((a, b) => b - a)
  for (const number of numbers.slice(keptRecords)) {
    const { record, ended } = startFiles(folder, number)
    rmSync(ended, { force: true })
    rmSync(record, { force: true })
  }
}

function startNumbers(folder: string): readonly number[] {
  try {
    return readdirSync(folder).flatMap((name) => {
      const number = /^(\d{6,})\.started$/.exec(name)?.[1]
      return number === undefined ? [] : [Number(number)]
    })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
