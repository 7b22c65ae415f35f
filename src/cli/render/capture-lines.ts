/** What a capture tells while it runs, as lines for people, and as JSON for programs. */
import { formatTxid } from '../../ltx/txid.ts'
import { type CaptureEvent, olderText } from '../../replication/capture-event.ts'
import { pageList } from '../../runbook/page-list.ts'
import { counted, formatBytes, formatDuration } from '../../units.ts'
import type { World } from '../command.ts'
import type { ProgressLine } from './progress-line.ts'
import { hanging } from './text.ts'

/** Txids are 16 hex digits wherever a person or a program reads them. */
export function eventLine(event: object): string {
  return `${JSON.stringify('txid' in event && typeof event.txid === 'number' ? { ...event, txid: formatTxid(event.txid) } : event)}\n`
}

export type Say = (head: string, text: string) => void

export function sayOn(line: ProgressLine): Say {
  return (head, text) => line.say(hanging(head, text, line.columns, undefined, 2))
}

export function captureLines({ terminal }: Pick<World, 'terminal'>, line: ProgressLine): (event: CaptureEvent) => void {
  const total = { commits: 0 }
  const { good, warn, bad } = terminal.palette
  const say = sayOn(line)
  return (event) => {
    switch (event.type) {
      case 'attached':
        say(`${good('protected')}: `, `timeline ${event.timeline} at ${formatTxid(event.txid)} (${event.do}: ${event.because})`)
        return
      case 'snapshot-progress':
        line.show(`snapshot: ${formatBytes(event.pages * event.pageSize)} of ${formatBytes(event.of * event.pageSize)}`)
        return
      case 'flushed':
        total.commits += event.commits
        line.show(`${formatTxid(event.txid)}  ${counted(total.commits, 'commit')}, lag ${formatDuration(event.lagMs)}`)
        return
      case 'warning':
        say(`${warn('warning')}: `, event.because)
        return
      case 'restarted':
        say(`${warn('restarted')}: `, `the capture process ended, and another one is started: ${event.because}`)
        return
      case 'let-go':
        say('', `let go of the database: ${event.because}`)
        return
      case 'stopped':
        say(`${event.complete ? 'stopped' : bad('stopped, not everything is copied')} at ${formatTxid(event.txid)}: `, event.because)
        return
      case 'older':
        say(`${bad('older than its replica')}: `, olderText(event))
        return
      case 'damaged-pages':
        say(
          `${bad('damaged')}: `,
          `${pageList(event.pages)} of ${event.path} ${event.pages.length === 1 ? 'is' : 'are'} not what was committed; genesis-dr execute --scenario DATABASE_CORRUPTION repairs that`,
        )
        return
      case 'checkpointed':
        return
      default:
        event satisfies never
    }
  }
}

/** The last event of a capture, from what it came to; null: it was not attached. */
export function stoppedEvent(
  outcome: { readonly because: string; readonly txid: number; readonly complete: boolean } | null,
): CaptureEvent {
  const { because, txid, complete } = outcome ?? { because: 'it was not attached to the database', txid: 0, complete: false }
  return { type: 'stopped', because, txid, complete }
}
