/** Processes that a test starts, each leading a process group of its own, which is killed as a whole when the test ends. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { afterEach } from 'vitest'

export interface Child {
  readonly pid: number
  readonly process: ChildProcess
  /**
   * Resolves with the first line of its output, not yet given to anybody, that `matches`. Rejects when it ends before, or with the last
   * lines when none came in time.
   */
  line(matches: RegExp, withinMs?: number): Promise<string>
  /** Everything that it wrote to stderr so far. */
  errors(): string
  /** Exit status, 128 + signal number after a signal; ends it with `signal` first when one is given. */
  end(signal?: NodeJS.Signals): Promise<number>
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

export type Start = (command: string, args: readonly string[], options?: SpawnOptions) => Child

/** Call at the top of a `describe`: what it returns starts processes, and `afterEach` ends them, with their children, by SIGKILL. */
export function children(): Start {
  const { start, endAll } = childGroup()
  afterEach(endAll)
  return start
}

/** The same for a test that others go on beside: it ends them itself. */
export function childGroup(): { readonly start: Start; endAll(): Promise<void> } {
  const started: Child[] = []
  return {
    start: (command, args, options = {}) => {
      const child = track(spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }))
      started.push(child)
      return child
    },
    endAll: async () => {
      await Promise.all(
        started.splice(0).map(async (child) => {
          if (child.pid > 0) killGroup(child.pid)
          await child.end()
        }),
      )
    },
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function track(child: ChildProcess): Child {
  const ended = once(child, 'exit')
  // A command that does not exist ends without 'exit'; the test sees it as a line that never came.
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  failed.catch(() => undefined)
  const lines: string[] = []
  let given = 0
  let wake = (): void => undefined
  let errors = ''
  if (child.stdout !== null)
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line)
      wake()
    })
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString()
  })
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const statusOf = (): number => child.exitCode ?? 128 + (signalNumbers[child.signalCode ?? 'SIGKILL'] ?? 0)
  return {
    pid: child.pid ?? 0,
    process: child,
    line: async (matches, withinMs = 60_000) => {
      for (const deadline = performance.now() + withinMs; ; ) {
        const at = lines.findIndex((line, index) => index >= given && matches.test(line))
        if (at >= 0) {
          given = at + 1
          return lines[at] ?? ''
        }
        if (hasEnded()) throw new Error(`it ended with ${statusOf()} before a line like ${matches}: ${errors}`)
        const left = deadline - performance.now()
        if (left <= 0)
          throw new Error(`no line like ${matches} within ${withinMs} ms, after these:\n${lines.slice(-30).join('\n')}\n${errors}`)
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        const late = new AbortController()
        const tooLate = setTimeout(left, undefined, { signal: late.signal }).catch(() => undefined)
        await Promise.race([woken, ended, failed, tooLate])
        late.abort()
      }
    },
    errors: () => errors,
    end: async (signal) => {
      if (child.pid === undefined) return 127
      if (!hasEnded()) {
        if (signal !== undefined) child.kill(signal)
        await ended
      }
      return statusOf()
    },
  }
}
