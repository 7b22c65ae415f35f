/**
 * Processes as Linux shows them under /proc. A process may end at any moment: every question answers null then, and so does
 * one that may not be looked into; who must tell the two apart asks `isGone`.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { codeOf } from '../filesystem/durable.ts'
import { programName } from './program-name.ts'

export const procFolder = '/proc'

export interface ProcessFacts {
  readonly pid: number
  readonly parentPid: number
  /** Process group and session, each the pid of its leader, who may be gone. */
  readonly groupId: number
  readonly sessionId: number
  /** Clock ticks between boot and the start of the process: with the pid it names a process for as long as the machine runs. */
  readonly startTicks: number
  /** A zombie has ended: only its exit status is left. */
  readonly ended: boolean
  readonly kernelThread: boolean
}

// Source: proc_pid_stat(5), read 2026-11-23. PF_KTHREAD from the kernel's sched.h.
const kernelThreadFlag = 0x200000

/** Ascending: mostly the eldest first. */
export function listPids(): readonly number[] {
  const pids = readdirSync(procFolder).filter((name) => /^[1-9]\d*$/.test(name))
  return pids.map(Number).sort((a, b) => a - b)
}

export function readProcess(pid: number): ProcessFacts | null {
  const text = readText(`${procFolder}/${pid}/stat`)
  return text === null ? null : decodeStat(text)
}

/** Decodes one `stat` line; the command name inside may hold spaces and parentheses. null when it is not one. */
export function decodeStat(text: string): ProcessFacts | null {
  const nameEnd = text.lastIndexOf(')')
  const fields = text.slice(nameEnd + 2).split(' ')
  if (nameEnd < 0 || fields.length < 20) return null
  const number = (index: number): number => Number(fields[index])
  return {
    pid: Number.parseInt(text, 10),
    parentPid: number(1),
    groupId: number(2),
    sessionId: number(3),
    startTicks: number(19),
    ended: fields[0] === 'Z' || fields[0] === 'X',
    kernelThread: (number(6) & kernelThreadFlag) !== 0,
  }
}

/** Arguments it was started with; empty for a kernel thread or a zombie. */
export function commandOf(pid: number): readonly string[] | null {
  const text = readText(`${procFolder}/${pid}/cmdline`)
  if (text === null) return null
  return text.split('\0').slice(0, -1)
}

/** Its program for people, without its arguments (program-name.ts), cut to 200 characters; the bare name when it shows none. */
export function describeProcess(pid: number): string {
  const shown = programName(commandOf(pid) ?? []) || `[${readText(`${procFolder}/${pid}/comm`)?.trim() ?? '?'}]`
  return shown.slice(0, 200)
}

/** The environment it was started with holds the entry `NAME=value`, or one that begins so. */
export function startedWith(pid: number, entryPrefix: string): boolean {
  const text = readText(`${procFolder}/${pid}/environ`)
  return text !== null && (text.startsWith(entryPrefix) || text.includes(`\0${entryPrefix}`))
}

export function workingFolderOf(pid: number): string | null {
  return attempt(() => realpathSync(`${procFolder}/${pid}/cwd`))
}

/** Names this boot of the machine: pids and start ticks of another boot mean nothing. */
export function bootId(): string | null {
  return readText(`${procFolder}/sys/kernel/random/boot_id`)?.trim() ?? null
}

/** True when there is a /proc, and it shows the processes of other users too. */
export function showsEverybody(): boolean {
  return statSync(`${procFolder}/1`, { throwIfNoEntry: false }) !== undefined
}

function readText(path: string): string | null {
  return attempt(() => readFileSync(path, 'utf8'))
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (isGone(error) || isForbidden(error)) return null
    throw error
  }
}

export const isGone = (error: unknown): boolean => ['ENOENT', 'ESRCH', 'ENOTDIR'].includes(codeOf(error))
export const isForbidden = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error))
