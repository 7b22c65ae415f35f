/** One run of a writer on a fresh database, alone or beside a copier, and everything that is measured of both. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Copier, Copying, Place } from './copiers.ts'
import { lagsOf, watchArrivals } from './flushes.ts'
import { cpuShare, end, inRepository, memoryOf, run } from './processes.ts'

export interface Load {
  /** Transactions a second; 0: as many as possible. */
  readonly rate: number
  readonly seconds: number
}

export interface Session {
  readonly perSecond: number
  /** How long each transaction took, in ms. */
  readonly tookMs: readonly number[]
  readonly largestWalBytes: number
  /** null for a writer alone. */
  readonly copy: Copied | null
}

export interface Copied {
  /** From commit to durable file, of each commit. */
  readonly lagMs: readonly number[]
  /** Of the process that copies: share of one core. */
  readonly cpu: number
  /** Of the one that supervises it; null: there is none. */
  readonly supervisorCpu: number | null
  readonly rssBytes: number
  readonly heldMs: readonly number[]
}

/** Chosen: 0.4 s, so that what the start of a copier caused is over. */
const calmMs = 400

export async function session(work: string, load: Load, copier: Copier | null): Promise<Session> {
  const folder = mkdtempSync(join(work, 'session-'))
  const place = { folder, database: join(folder, 'bot.db'), replica: join(folder, 'replica') }
  mkdirSync(place.replica)
  try {
    await writer(place, [])
    const copying = copier === null ? null : await copier.start(place)
    await pause(calmMs)
    return copier === null || copying === null ? await write(place, load) : await writeBeside(place, load, copier, copying)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function writeBeside(place: Place, load: Load, copier: Copier, copying: Copying): Promise<Session> {
  const { capturePid, supervisorPid } = copying
  const arrivals = watchArrivals(copying.flushes)
  try {
    const cpu = cpuShare(capturePid)
    const supervisorCpu = supervisorPid === null ? null : cpuShare(supervisorPid)
    const written = await write(place, load)
    const shares = { cpu: cpu(), supervisorCpu: supervisorCpu === null ? null : supervisorCpu() }
    const rssBytes = memoryOf(capturePid, 'VmRSS')
    await pause(copier.settleMs)
    await end(copying.process)
    const lagMs = lagsOf(copying.flushes, arrivals, copying.durableMs, written.committedMs)
    return { ...written, copy: { lagMs, ...shares, rssBytes, heldMs: copying.heldMs } }
  } finally {
    arrivals.stop()
    await end(copying.process)
  }
}

async function write(place: Place, { rate, seconds }: Load): Promise<Session & { readonly committedMs: readonly number[] }> {
  const out = join(place.folder, 'measured')
  const wal = `${place.database}-wal`
  let largestWalBytes = 0
  const look = setInterval(() => {
    if (existsSync(wal)) largestWalBytes = Math.max(largestWalBytes, statSync(wal).size)
  }, 20)
  try {
    const said = JSON.parse(await writer(place, ['--out', out, '--rate', `${rate}`, '--seconds', `${seconds}`]))
    const bytes = readFileSync(out)
    const pairs = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    return {
      perSecond: said.transactions / said.seconds,
      committedMs: [...pairs.filter((_, at) => at % 2 === 0)],
      tookMs: [...pairs.filter((_, at) => at % 2 === 1)],
      largestWalBytes,
      copy: null,
    }
  } finally {
    clearInterval(look)
  }
}

function writer({ database }: Place, args: readonly string[]): Promise<string> {
  return run('python3', inRepository('test/writers/bench-writer.py'), '--db', database, ...args)
}

export function copiesOf(sessions: readonly Session[]): readonly Copied[] {
  return sessions.flatMap(({ copy }) => (copy === null ? [] : [copy]))
}
