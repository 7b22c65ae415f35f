/**
 * The capture of one database as a process of its own. The first line of stdin is its settings as JSON. With `--leash` it also ends,
 * flushed, when stdin does: however the process that started it dies, its end of the pipe dies with it. With `--watch` its life signs go to
 * descriptor 3. With `--take-over` it takes over a replica of another database. One JSON line an event on stdout, and as the last one what
 * its end came to; SIGTERM flushes and ends 0; an error ends with the status of its code, as one JSON line on stderr.
 */
import { parseArgs } from 'node:util'
import { watchPipe } from '../adapters/control/watch-pipe.ts'
import { runCapture } from '../capture-program.ts'

const { values } = parseArgs({ options: { leash: { type: 'boolean' }, watch: { type: 'boolean' }, 'take-over': { type: 'boolean' } } })
await runCapture({
  leash: values.leash === true ? 'stdin' : 'none',
  takeOver: values['take-over'] === true,
  watch: values.watch === true ? watchPipe() : null,
})
