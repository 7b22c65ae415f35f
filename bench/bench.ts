/**
 * The benchmark: measures what the targets of speed name and prints them beside what was measured. Nothing is asserted: it ends with 0
 * unless a measurement itself broke. Ratios are within one run, rounds alternate, medians are over rounds: read them so on a noisy machine.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { sentenceOf } from '../src/errors.ts'
import { MiB } from '../src/units.ts'
import { idle } from './idle.ts'
import { lag } from './lag.ts'
import { machine } from './machine.ts'
import { inRepository, killAll } from './processes.ts'
import { type Row, table } from './report.ts'
import { restore } from './restore.ts'
import { resume } from './resume.ts'
import { saturation } from './saturation.ts'
import { scrub } from './scrub.ts'
import type { Subject, World } from './world.ts'
import { writer } from './writer.ts'

const subjects: Readonly<Record<string, Subject>> = { machine, lag, writer, saturation, idle, scrub, resume, restore }
/** Several at once; the machine again and again, because others may use it. */
const replication = ['machine', 'lag', 'writer', 'saturation', 'machine', 'idle', 'scrub', 'resume', 'machine']

const help = `Usage: npm run bench -- [subject ...] [options]

Subjects: ${Object.keys(subjects).join(', ')} (all), and replication: all of the capture, about twelve minutes

  --rounds N           of each comparison (3); at full speed twice as many and one
  --seconds N          of each run of a writer (6)
  --size MIB           of the database that is scrubbed, resumed and restored (1024)
  --work FOLDER        where databases are made; kept, and the large one is used again (a temporary folder, removed)
  --litestream FILE    the peer's binary (.oracles/litestream, when it is there)
  --json               one JSON value instead of the table
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    size: { type: 'string', default: '1024' },
    work: { type: 'string' },
    litestream: { type: 'string', default: inRepository('.oracles/litestream') },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function positive(name: 'rounds' | 'seconds' | 'size'): number {
  const value = Number(values[name])
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`--${name} ${values[name]} is not a number above 0`)
}

async function main(): Promise<void> {
  const chosen =
    positionals.length === 0 ? Object.keys(subjects) : positionals.flatMap((name) => (name === 'replication' ? replication : [name]))
  const unknown = chosen.filter((name) => !(name in subjects))
  if (unknown.length > 0) throw new Error(`there is no subject ${unknown.join(', ')}; there are ${Object.keys(subjects).join(', ')}`)
  const options = { rounds: positive('rounds'), seconds: positive('seconds'), sizeBytes: positive('size') * MiB }
  const work = values.work === undefined ? mkdtempSync(join(tmpdir(), 'genesis-dr-bench-')) : resolve(values.work)
  mkdirSync(work, { recursive: true })
  process.once('exit', () => {
    killAll()
    if (values.work === undefined) rmSync(work, { recursive: true, force: true })
  })
  const began = performance.now()
  const world: World = {
    ...options,
    work,
    litestream: existsSync(values.litestream) ? values.litestream : null,
    progress: (sentence) => process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${sentence}\n`),
  }
  const rows: Row[] = []
  for (const name of chosen) rows.push(...((await subjects[name]?.(world)) ?? []))
  const where = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, ${options.rounds} rounds of ${options.seconds} s`
  process.stdout.write(values.json ? `${JSON.stringify({ machine: where, rows })}\n` : `${table(rows)}\n\n${where}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
if (values.help) process.stdout.write(help)
else {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`the benchmark broke: ${sentenceOf(error)}\n`)
    process.exitCode = 1
  }
}
