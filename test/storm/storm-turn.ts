/**
 * One turn of the storm: a bot at full speed that does all that SQLite allows, and a capture that is killed again and again. Every restore is
 * a prefix of what the bot was told, and the last one is the database, page for page.
 */
import { strict as assert } from 'node:assert'
import type { ChildProcess } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { captureClient } from '../../src/adapters/control/client.ts'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { outputFiles } from '../../src/adapters/filesystem/output-file.ts'
import { must } from '../../src/assert.ts'
import { seededRandom } from '../../src/drill/seeded-random.ts'
import { newestComplete, reachablePoints, readCatalogue } from '../../src/replica/catalogue.ts'
import { planRestore } from '../../src/replica/plan.ts'
import { restoreFile } from '../../src/restore/restore-file.ts'
import { litestream } from '../needs.ts'
import { replicaUrl, restoreByLitestream, sha256Of } from '../support/oracles.ts'
import { holdsReadMark } from '../support/read-marks.ts'
import { type Capture, end, pause, restoreNewest, spawnCapture, startProgram, type TestSystem } from '../support/system.ts'
import { type Proof, proofOf, readWitness, requireSamePages } from './proof.ts'
import { countStart, noFacts, type StormFacts } from './storm-facts.ts'

/** What a turn is like; the same shape plays the same turn again, as far as processes can be played again. */
export interface StormShape {
  readonly seed: number
  /** 512..65536 */
  readonly pageSize: number
  readonly autoVacuum: 'none' | 'full' | 'incremental'
  /** MiB of the largest transactions, 0 for none. */
  readonly big: number
  /** Transactions between two events, at most: few make a storm, many let the log go on until the capture comes back. */
  readonly every: number
  /** Transactions a second, 0 for as many as possible. */
  readonly rate: number
  /** Other programs that check point at any moment. */
  readonly tools: number
}

export interface TurnOptions extends StormShape {
  /** It ends when so many kills were done, or after so many seconds, whichever is first. */
  readonly kills: number
  readonly seconds: number
  /** One kill in so many is followed by a restore. */
  readonly restoreEvery: number
  /** The capture lives for at most so long, and mostly much shorter. */
  readonly lifeMs: number
  readonly onProgress: (facts: StormFacts) => void
}

/** Refusals that are right at the moment: the bot had left WAL mode. */
const rightRefusals = ['DATABASE_NOT_WAL']
const rightDecisions = ['begin', 'continue', 'adopt', 'diff', 'snapshot']
/** The capture says so and attaches anew by itself. */
const mended = 'it is not known that only once'

/** @throws Error with the story of what went wrong; the system is left as it is */
export async function stormTurn(system: TestSystem, options: TurnOptions): Promise<StormFacts> {
  const turn = new Turn(system, options)
  await turn.play()
  return turn.facts
}

class Turn {
  readonly #system: TestSystem
  readonly #options: TurnOptions
  readonly facts = noFacts()
  readonly #below: (bound: number) => number
  readonly #proofs: (Proof & { readonly of: string })[] = []
  #bots = 0

  constructor(system: TestSystem, options: TurnOptions) {
    this.#system = system
    this.#options = options
    this.#below = seededRandom(options.seed).below
  }

  async play(): Promise<void> {
    const deadline = performance.now() + this.#options.seconds * 1000
    let bot = await this.#startBot()
    const tools: ChildProcess[] = []
    for (let tool = 0; tool < this.#options.tools; tool++) {
      tools.push(await startProgram(this.#system, 'storm.py', '--tool', '--seed', `${this.#options.seed + tool}`))
    }
    while (this.facts.kills < this.#options.kills && performance.now() < deadline) {
      await this.#life()
      if (bot.exitCode !== null) throw new Error(`the bot ended with ${bot.exitCode}`)
      if (this.#below(40) === 0) bot = await this.#crashBot(bot)
      if (this.#below(3) === 0) await pause(this.#below(200))
      this.#options.onProgress(this.facts)
    }
    for (const tool of tools) assert.equal(await end(this.#system, tool, 'SIGTERM'), 0, 'the other program ends well')
    await this.#endBot(bot)
    await this.#finish()
  }

  #startBot(): Promise<ChildProcess> {
    const { pageSize, autoVacuum, big, every, rate, seed } = this.#options
    const shape = ['--page-size', `${pageSize}`, '--auto-vacuum', autoVacuum, '--big', `${big}`, '--every', `${every}`, '--rate', `${rate}`]
    return startProgram(this.#system, 'storm.py', ...shape, '--seed', `${seed + this.#bots++}`)
  }

  async #crashBot(bot: ChildProcess): Promise<ChildProcess> {
    await end(this.#system, bot, 'SIGKILL')
    this.facts.crashesOfTheBot++
    return this.#startBot()
  }

  async #endBot(bot: ChildProcess): Promise<void> {
    let printed = ''
    bot.stdout?.on('data', (text: Buffer) => {
      printed += text.toString()
    })
    assert.equal(await end(this.#system, bot, 'SIGTERM'), 0, 'the bot ends well')
    this.facts.longestMs = Math.max(this.facts.longestMs, JSON.parse(printed).longestMs)
  }

  /** The capture is started, lives for a while, and is killed. */
  async #life(): Promise<void> {
    const capture = spawnCapture(this.#system)
    // One in six dies while it starts, before it is attached or just then.
    const early = this.#below(6) === 0 ? pause(this.#below(400)) : null
    await Promise.race([capture.attached, ...(early === null ? [] : [early])])
    if (early === null) await this.#live(capture, this.#below(4) === 0 ? this.#below(this.#options.lifeMs) : this.#below(80))
    const ended = capture.process.exitCode
    await end(this.#system, capture.process, 'SIGKILL')
    this.#judge(capture, ended)
    if (ended !== null) return
    this.facts.kills++
    if (this.facts.kills % this.#options.restoreEvery === 0) await this.#restore(capture)
  }

  /** Looks at an attached capture again and again for so long. */
  async #live(capture: Capture, forMs: number): Promise<void> {
    const until = performance.now() + forMs
    const suspend = forMs > 200 && this.#below(6) === 0
    if (suspend) {
      capture.process.kill('SIGSTOP')
      this.facts.suspensions++
    }
    const missed: string[] = []
    do {
      if (capture.process.exitCode !== null) return
      if (holdsReadMark(capture.process.pid, this.#system.database)) this.facts.looks++
      else missed.push(`${capture.events.length} events`)
      this.#lookAtLog()
      await pause(5)
    } while (performance.now() < until)
    if (suspend) {
      await pause(2000 - forMs)
      capture.process.kill('SIGCONT')
      await pause(this.#below(100))
    }
    // Between two attaches of its own there is none, and it says so.
    if (missed.length > 0 && !this.#saidSo(capture)) throw new Error(`/proc/locks did not show its read mark after ${missed.join(', ')}`)
  }

  #saidSo(capture: Capture): boolean {
    return capture.events.some((event) => event.because?.includes(mended) === true)
  }

  #lookAtLog(): void {
    const bytes = statSync(`${this.#system.database}-wal`, { throwIfNoEntry: false })?.size ?? 0
    this.facts.longestWalBytes = Math.max(this.facts.longestWalBytes, bytes)
  }

  #judge(capture: Capture, ended: number | null): void {
    const attached = capture.events.filter((event) => event.type === 'attached')
    for (const { do: decision = '', because } of attached) {
      assert.ok(rightDecisions.includes(decision), `the database never goes back, is never another, yet: ${decision}, because ${because}`)
      countStart(this.facts, decision, 1)
    }
    this.facts.reattached += Math.max(0, attached.length - 1)
    const warned = capture.events.filter((event) => event.type === 'warning' && event.because?.includes(mended) !== true)
    assert.deepEqual(warned, [], 'the capture warns of nothing else')
    if (ended === null) {
      if (attached.length === 0) countStart(this.facts, 'killed before', 1)
      return
    }
    const code = /"code":"(\w+)"/.exec(capture.errors())?.[1] ?? 'no code'
    assert.ok(rightRefusals.includes(code), `the capture ended with ${ended}: ${capture.errors()}`)
    countStart(this.facts, code, 1)
  }

  /** What it acknowledged is there, and what is there is a prefix. */
  async #restore(capture: Capture): Promise<void> {
    const acknowledged = Math.max(0, ...capture.events.map((event) => event.txid ?? 0))
    if (acknowledged === 0 && this.#proofs.length === 0) return
    const restored = await restoreNewest(this.#system, `restored-${this.facts.kills}.db`)
    assert.ok(restored.txid >= acknowledged, `restored to ${restored.txid}, acknowledged were ${acknowledged}`)
    this.#prove(restored.path, `kill ${this.facts.kills}`)
  }

  #prove(path: string, of: string): void {
    this.#proofs.push({ ...proofOf(path), of })
    this.facts.restores++
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  }

  async #finish(): Promise<void> {
    const system = this.#system
    const last = spawnCapture(system)
    await last.attached
    assert.equal(last.errors(), '')
    const drained = await captureClient(system.settings.captureFolder).drain()
    assert.ok(drained.complete, `the last drain: ${drained.because}`)
    assert.equal(await end(system, last.process, 'SIGTERM'), 0, last.errors())
    this.#judge(last, null)
    const { path } = await restoreNewest(system, 'last.db')
    requireSamePages(system.database, path, join(system.folder, 'live.db'))
    await this.#askLitestream(path)
    const witness = readWitness(system.witness)
    assert.equal(proofOf(path).seq, witness.last, 'the last restore has the last transaction')
    this.facts.restores++
    this.facts.transactions = witness.last
    await this.#restoreEarlier(3)
    for (const { of, seq, sum } of this.#proofs)
      assert.equal(sum, witness.sums.get(seq), `the restore of ${of} is transaction ${seq} of the witness`)
  }

  async #askLitestream(ours: string): Promise<void> {
    if (litestream.found === null) return
    const store = await openFolderStore('file:replica', this.#system.replica)
    const url = replicaUrl(this.#system.replica, must(newestComplete(await readCatalogue(store)).number, 'a timeline of ours'))
    const theirs = await restoreByLitestream(this.#system, url, 'theirs.db', null)
    assert.equal(theirs.status, 0, theirs.errors)
    assert.equal(sha256Of(theirs.path), sha256Of(ours), 'Litestream restores the same bytes')
    this.facts.byLitestream++
  }

  /** Points of before, also those that lie before a snapshot. */
  async #restoreEarlier(count: number): Promise<void> {
    const store = await openFolderStore('file:replica', this.#system.replica)
    const timeline = newestComplete(await readCatalogue(store))
    const points = reachablePoints(timeline)
    for (let each = 0; each < count; each++) {
      const txid = points[this.#below(points.length)]?.maxTxid ?? 1
      const path = join(this.#system.folder, `point-${each}.db`)
      await restoreFile(store, planRestore(timeline.files, { txid }), outputFiles, path)
      this.#prove(path, `point ${txid}`)
    }
  }
}
