/** `replicate`: copies the live database continuously, in the foreground, until told to stop. */
import { formatTxid } from '../../ltx/txid.ts'
import type { CaptureEvent } from '../../replication/capture-event.ts'
import { counted, formatBytes, formatDuration } from '../../units.ts'
import { command, type World } from '../command.ts'
import { flag } from '../options.ts'
import { type ProgressLine, progressLine } from '../render/progress-line.ts'
import { hanging } from '../render/text.ts'

export const replicate = command({
  name: 'replicate',
  summary: 'copies the live database continuously, in the foreground, until told to stop',
  about:
    'Any SQLite database in WAL mode, written by any program in any language; that program is not touched, and no table is made in it. ' +
    'While this runs, the bot cannot leave WAL mode (PRAGMA journal_mode=DELETE answers "database is locked"). ' +
    'SIGTERM or Ctrl-C flushes what is committed and ends with 0.',
  changes: 'the replica',
  options: { takeOver: flag('go on with a replica whose last writer is not proven to be this database; it begins a new timeline') },
  examples: [
    { line: 'replicate --db trades.db --replica file:./replica', does: 'protects one database, with no configuration at all' },
    { line: 'replicate', does: 'the same, from genesis-dr.yaml' },
    { line: 'replicate --json', does: 'one JSON object a line: attached, flushed, checkpointed, warning, restarted, stopped' },
  ],
  json: 'One JSON object a line for each event; `type` tells which.',
  run: async (args, world) => {
    const { parts, interruption, json, terminal } = world
    const line = progressLine(world)
    const show = json ? (event: CaptureEvent) => terminal.write(`${JSON.stringify(shown(event))}\n`) : screen(world, line)
    const outcome = await parts.replicate({ takeOver: args.takeOver, signal: interruption.signal, onEvent: show })
    if (outcome === null) show({ type: 'stopped', because: 'it was not attached to the database', txid: 0, complete: false })
    else show({ type: 'stopped', because: outcome.because, txid: outcome.txid, complete: outcome.complete })
    line.clear()
    return outcome?.complete === true ? 0 : 1
  },
})

/** Txids are 16 hex digits wherever a person or a program reads them. */
function shown(event: CaptureEvent): object {
  return 'txid' in event ? { ...event, txid: formatTxid(event.txid) } : event
}

function screen({ terminal, config }: World, line: ProgressLine): (event: CaptureEvent) => void {
  const total = { commits: 0 }
  const { good, warn, bad } = terminal.palette
  const say = (head: string, text: string): void => line.say(hanging(head, text, line.columns, undefined, 2))
  say('', `copying ${config.database} to ${config.replica?.url ?? 'nowhere'}; SIGTERM or Ctrl-C flushes and ends`)
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
      case 'checkpointed':
        return
    }
  }
}
