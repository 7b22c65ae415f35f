/**
 * One errand of an agent as a process of its own. The first line of stdin is the configuration and the errand as JSON; one JSON line an event
 * on stdout, and as the last one what it came to; an error ends with the status of its code, as one JSON line on stderr.
 */
import { runErrandProgram } from '../errand-program.ts'

await runErrandProgram(process.env)
