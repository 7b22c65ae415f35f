/**
 * Asks databases the checks of a user, one line of JSON in, one out, in a process that can be ended when a check does not end. SQLite
 * works in a thread, so that the end of stdin, which is that of whoever asks, is heard meanwhile.
 */
import { createInterface } from 'node:readline'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { answerCheck, type CheckQuestion } from '../adapters/sqlite/user-check.ts'

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url))
  worker.on('message', (reply: unknown) => process.stdout.write(`${JSON.stringify(reply)}\n`))
  for await (const line of createInterface({ input: process.stdin })) worker.postMessage(JSON.parse(line))
  // Not `exit`, which would wait for the thread, and it for SQLite.
  process.kill(process.pid, 'SIGKILL')
} else {
  parentPort?.on('message', (question: CheckQuestion) => parentPort?.postMessage(answerCheck(question)))
}
