/**
 * The process that asks the user's checks. SQLite cannot be interrupted from outside a statement that never ends, not even in a thread,
 * so it works in a process of its own, which is ended when it takes too long. It stays for the next check, because starting it costs
 * ten times the check, and ends with us however we end: its stdin does.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { DrError } from '../../errors.ts'
import { decodeReply } from '../control/protocol.ts'
import { entryPath } from '../sandbox/sandbox.ts'
import { type CheckQuestion, checkFailed } from './user-check.ts'

/** The value of a check. @throws CHECK_FAILED, and as sqliteError */
export type AskCheck = (question: CheckQuestion) => Promise<unknown>

type Child = ChildProcessByStdio<Writable, Readable, null>

/** One check at a time, each within `limitMs`. */
export function checkProcess(limitMs: number): AskCheck {
  let child: Child | null = null
  let turn: Promise<unknown> = Promise.resolve()
  const ask: AskCheck = async (question) => {
    child ??= startChild()
    const answer = await answerOf(child, question, limitMs)
    if ('line' in answer) return decodeReply(answer.line)
    child = null
    throw answer.error
  }
  return (question) => {
    const mine = turn.then(() => ask(question))
    // The next in turn is asked whatever became of this one, which tells its own asker.
    turn = mine.then(
      () => undefined,
      () => undefined,
    )
    return mine
  }
}

function startChild(): Child {
  // In a session of its own: Ctrl-C on the terminal asks us, and must not make a check fail that was under way.
  const child = spawn(process.execPath, [entryPath('check')], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  // It may have ended already; that is heard by its end.
  child.stdin.on('error', () => undefined)
  child.stdout.setEncoding('utf8')
  // Where we can say so it is gone with us, not a moment later.
  const end = (): boolean => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('close', () => process.off('exit', end))
  return child
}

type Answer = { readonly line: string } | { readonly error: DrError }

/** The process has ended when there is no line. */
function answerOf(child: Child, question: CheckQuestion, limitMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    let text = ''
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, limitMs)
    const end = (answer: Answer): void => {
      clearTimeout(timer)
      child.stdout.off('data', onData)
      child.off('error', onError)
      child.off('close', onClose)
      hold(child, 'unref')
      resolve(answer)
    }
    const onData = (piece: string): void => {
      text += piece
      if (text.endsWith('\n')) end({ line: text })
    }
    const onError = (error: Error): void => end({ error: checkFailed(`its process could not be started: ${error.message}`, error) })
    const onClose = (status: number | null, signal: string | null): void =>
      end({ error: checkFailed(late ? `it took longer than ${limitMs / 1000} s` : `its process ended (${signal ?? status})`) })
    child.stdout.on('data', onData)
    child.on('error', onError)
    child.on('close', onClose)
    hold(child, 'ref')
    child.stdin.write(`${JSON.stringify(question)}\n`)
  })
}

/** Only while it is asked does it keep our own process from ending. */
function hold(child: Child, how: 'ref' | 'unref'): void {
  for (const one of [child, child.stdin, child.stdout]) if (one === child || one instanceof Socket) one[how]()
}
