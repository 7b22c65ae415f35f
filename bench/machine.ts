/**
 * What the machine itself does to every figure: how fast its disk makes things durable (the targets of a stall hold for one whose fdatasync
 * takes less than 10 ms), and how late it wakes a process that asked for it, which is the part of others in each longest time.
 */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ms, type Row, row } from './report.ts'
import { largest, percentile } from './statistics.ts'
import type { World } from './world.ts'

const syncs = 400
const naps = 200
const napMs = 20

export async function machine(world: World): Promise<readonly Row[]> {
  world.progress(`${syncs} times fdatasync of 4 KiB, ${naps} naps of ${napMs} ms`)
  const synced = syncTimes(join(world.work, 'disk'))
  const late: number[] = []
  for (let nap = 0; nap < naps; nap++) {
    const began = performance.now()
    await pause(napMs)
    late.push(performance.now() - began - napMs)
  }
  const p99 = percentile(synced, 0.99)
  return [
    row('machine', 'fdatasync of 4 KiB appended', spread(synced), 'p99 < 10 ms, for stalls to count', p99 < 10),
    row('machine', `a nap of ${napMs} ms ends late by`, spread(late)),
  ]
}

function syncTimes(path: string): readonly number[] {
  const file = openSync(path, 'w')
  try {
    const block = new Uint8Array(4096).fill(1)
    return Array.from({ length: syncs }, () => {
      writeSync(file, block)
      const began = performance.now()
      fdatasyncSync(file)
      return performance.now() - began
    })
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

function spread(times: readonly number[]): string {
  return `p50 ${ms(percentile(times, 0.5))}, p99 ${ms(percentile(times, 0.99))}, max ${ms(largest(times))}`
}
