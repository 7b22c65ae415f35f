/**
 * The watch over one system: looks for damage, rehearses a restore, and starts the runbook where the configuration lets it. One errand at a
 * time; the capture is supervised beside it. It opens no database itself.
 * If we die at any point: a run that was under way stands in the journal as interrupted, and the next agent goes on with it, because the
 * record that it is the agent's own is written before it begins.
 */
import { isDrError, sentenceOf } from '../errors.ts'
import type { AgentRecord, AgentRun } from '../ports/agent-state.ts'
import type { Notification } from '../ports/notifier.ts'
import { olderText } from '../replication/capture-event.ts'
import { minutes } from '../units.ts'
import type { AgentEvent } from './agent-event.ts'
import type { AgentSettings, AgentWorld, Conclusion } from './agent-world.ts'
import { agentSaw, type Decision, decide, isMended, type Look } from './decide.ts'

/** Chosen: between two looks that are to agree; damage does not go away in two seconds, and a bot that is just restarted does come back. */
const lookAgainMs = 2000
/** Chosen: what the capture knows is asked for first, but a database that cannot be followed is looked at all the same. */
const attachPatienceMs = 10_000
/** Chosen: whether a process of the bot is there costs one read a second. */
const pollMs = 1000
/** Chosen: a look takes at most a tenth of the time, and a rehearsal a twentieth, however large the database is. */
const lookShare = 10
const rehearseShare = 20
/** Chosen: four ends of a capture within ten minutes are no accident. */
const manyRestarts = 4
const restartWindowMs = minutes(10)

type Message = Pick<Notification, 'title' | 'body' | 'severity'>

export class Agent {
  readonly #world: AgentWorld
  readonly #settings: AgentSettings
  readonly #onEvent: (event: AgentEvent) => void
  #record: AgentRecord
  #lookDueMs: number
  #rehearseDueMs: number
  #why = 'the agent begins'
  #foundBefore = false
  /** What people know of, and has not ended: it is told once, however its words change. */
  readonly #told = new Set<string>()
  #restarts: readonly number[] = []
  #bot: readonly (() => boolean)[] = []
  #wake = new AbortController()

  private constructor(world: AgentWorld, settings: AgentSettings, onEvent: (event: AgentEvent) => void, run: AgentRun | null) {
    this.#world = world
    this.#settings = settings
    this.#onEvent = onEvent
    this.#record = { pid: world.pid, startedAtMs: world.clock.wallMs(), looked: null, run }
    const now = world.clock.monotonicMs()
    this.#lookDueMs = now + attachPatienceMs
    this.#rehearseDueMs = settings.rehearseEveryMs === 0 ? Number.POSITIVE_INFINITY : now + attachPatienceMs
  }

  /** `onEvent` is told everything that `watch` does. */
  static async open(world: AgentWorld, settings: AgentSettings, onEvent: (event: AgentEvent) => void): Promise<Agent> {
    const before = await world.state.read()
    const agent = new Agent(world, settings, onEvent, before?.run ?? null)
    await world.state.write(agent.#record)
    return agent
  }

  /** Ends when `signal` aborts, with the errand that is under way; a run is paused after its step. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world
    while (!signal.aborted) {
      const now = clock.monotonicMs()
      if (now >= this.#lookDueMs) await this.#look(signal)
      else if (now >= this.#rehearseDueMs) await this.#rehearse(signal)
      else await this.#idle(signal)
    }
  }

  /** The capture told something. What it warns of is looked at without waiting. */
  heard(event: AgentEvent): void {
    this.#onEvent(event)
    if (event.type === 'warning') this.#lookSoon('the capture warns')
    if (event.type === 'attached') this.#lookSoon('the capture follows the database')
    if (event.type === 'restarted') void this.#restarted(event.because)
    if (event.type === 'older') {
      this.#lookSoon('the database is older than its replica')
      void this.#tellOnce(`older than ${event.parent}`, {
        title: 'the database is older than its replica',
        body: olderText(event),
        // It may be the same pages that came back.
        severity: event.commits.least === 0 ? 'warning' : 'critical',
      })
    }
    if (event.type === 'damaged-pages') this.#lookSoon('pages of the file are not what was committed')
  }

  /** The capture ended with what a person must see to; the watch goes on without it. */
  async captureRefused(because: string): Promise<void> {
    this.#onEvent({ type: 'capture-refused', because })
    await this.#tellOnce('capture', { title: 'the database is not copied any more', body: because, severity: 'critical' })
  }

  #lookSoon(why: string): void {
    const { clock } = this.#world
    const soonMs = clock.monotonicMs() + lookAgainMs
    if (soonMs >= this.#lookDueMs) return
    this.#lookDueMs = soonMs
    this.#why = why
    this.#wake.abort()
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
    const dueMs = Math.min(this.#lookDueMs, this.#rehearseDueMs) - clock.monotonicMs()
    await clock.sleep(Math.max(0, Math.min(dueMs, this.#bot.length === 0 ? dueMs : pollMs)), AbortSignal.any([signal, this.#wake.signal]))
    if (this.#bot.every((lives) => lives())) return
    this.#bot = []
    this.#lookDueMs = clock.monotonicMs()
    this.#why = 'a process of the bot ended'
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, errands } = this.#world
    const began = clock.monotonicMs()
    const why = this.#why
    this.#why = 'it was time'
    const look = await this.#tried('look', () => errands.look(signal))
    const durationMs = clock.monotonicMs() - began
    this.#lookDueMs = clock.monotonicMs() + Math.max(this.#settings.lookEveryMs, durationMs * lookShare)
    if (look === null) {
      if (signal.aborted) return
      await this.#tellOnce('blind', {
        title: 'nothing looks for damage now',
        body: 'The agent could not look; its output says why.',
        severity: 'error',
      })
      return
    }
    this.#told.delete('blind')
    const { found, untold, troubles } = look
    this.#onEvent({ type: 'looked', why, found, untold, troubles, durationMs })
    if (troubles.length === 0) this.#told.delete('troubles')
    else void this.#tellOnce('troubles', { title: 'the bot is in trouble', body: troubles.join('; '), severity: 'warning' })
    const { run } = this.#record
    const looked = { atMs: clock.wallMs(), found, untold }
    // What was mended is new when it comes again.
    this.#record = { ...this.#record, looked, run: run !== null && isMended(look, run.found) ? { ...run, found: '' } : run }
    await this.#wrote()
    this.#bot = (look.service?.pids ?? []).map((pid) => this.#world.watchProcess(pid))
    await this.#act(look, signal)
  }

  async #act(look: Look, signal: AbortSignal): Promise<void> {
    const { clock } = this.#world
    const { scenario, mayExecute, mayRecoverOlder } = this.#settings
    const decision = decide({
      look,
      foundBefore: this.#foundBefore,
      scenario,
      mayExecute,
      mayRecoverOlder,
      lastRun: this.#record.run,
      nowMs: clock.wallMs(),
    })
    this.#foundBefore = look.found !== ''
    if (decision.do !== 'nothing') this.#onEvent({ type: 'decided', ...decision })
    if (decision.do === 'nothing') this.#told.delete('damage')
    if (decision.do === 'look-again') {
      this.#lookDueMs = clock.monotonicMs() + lookAgainMs
      this.#why = 'to see it twice'
    }
    if (decision.do === 'call')
      await this.#tellOnce('damage', { title: `${scenario} needs a person`, body: decision.because, severity: 'critical' })
    if (decision.do === 'execute' && !signal.aborted) await this.#execute(decision, look, signal)
  }

  async #execute({ because, timeline }: Extract<Decision, { do: 'execute' }>, look: Look, signal: AbortSignal): Promise<void> {
    const { clock, errands } = this.#world
    const { scenario } = this.#settings
    const detectedAtMs = clock.wallMs()
    // Before the run begins, so that the next life of ours knows it as its own. One that is gone on with has its record already.
    if (look.interrupted === null) {
      this.#record = { ...this.#record, run: { scenario, atMs: detectedAtMs, found: because } }
      if (!(await this.#wrote())) return
    }
    const request = { scenario, timeline, detectedAtMs, detectedBecause: agentSaw(because), onEvent: this.#onEvent, signal }
    const ended = await this.#tried('run', () => errands.execute(request))
    const conclusion: Conclusion = ended ?? { success: false, because: 'it could not be executed: genesis-dr runs shows how far it came' }
    this.#onEvent({ type: 'run-concluded', ...conclusion })
    this.#foundBefore = false
    this.#lookSoon('a run ended')
    if (conclusion.success === null) return
    const severity = conclusion.success ? 'info' : 'critical'
    await this.#tell({
      title: `${scenario}: ${conclusion.success ? 'recovered' : 'NOT recovered'}`,
      body: conclusion.because,
      severity,
    })
  }

  async #rehearse(signal: AbortSignal): Promise<void> {
    const { clock, errands } = this.#world
    const began = clock.monotonicMs()
    const rehearsal = await this.#tried('rehearsal', () => errands.rehearse(signal))
    const durationMs = clock.monotonicMs() - began
    this.#rehearseDueMs = clock.monotonicMs() + Math.max(this.#settings.rehearseEveryMs, durationMs * rehearseShare)
    if (rehearsal === null) return
    const { success, because } = rehearsal
    this.#onEvent({ type: 'rehearsed', success, because, durationMs })
    if (!success) await this.#tellOnce('rehearsal', { title: 'a restore was rehearsed and FAILED', body: because, severity: 'error' })
    else this.#told.delete('rehearsal')
  }

  async #restarted(because: string): Promise<void> {
    const now = this.#world.clock.monotonicMs()
    this.#restarts = [...this.#restarts.filter((at) => now - at < restartWindowMs), now]
    if (this.#restarts.length < manyRestarts) return
    const body = `It ended ${this.#restarts.length} times within 10 minutes, the last time because ${because}`
    this.#restarts = []
    await this.#tell({ title: 'the capture does not live long', body, severity: 'error' })
  }

  /** False: the record could not be made durable, and that was told. */
  async #wrote(): Promise<boolean> {
    const written = await this.#tried('look', async () => {
      await this.#world.state.write(this.#record)
      return 'written'
    })
    return written !== null
  }

  /** null: it could not be done, and that was told as an event. Nothing that an errand meets ends the watch. */
  async #tried<T>(what: 'look' | 'rehearsal' | 'run', work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      if (!isDrError(error)) throw error
      this.#onEvent({ type: 'not-done', what, because: sentenceOf(error) })
      return null
    }
  }

  /** Once, until `about` is taken out of what was told. */
  async #tellOnce(about: string, message: Message): Promise<void> {
    if (this.#told.has(about)) return
    this.#told.add(about)
    await this.#tell(message)
  }

  async #tell({ title, body, severity }: Message): Promise<void> {
    const { notifiers } = this.#world
    const message: Notification = { title: `${this.#settings.system}: ${title}`, body, severity, mode: 'live', runId: null }
    const outcomes = await Promise.all(notifiers.map((one) => one.notify(message)))
    const accepted = outcomes.filter(({ outcome }) => outcome === 'accepted').length
    this.#onEvent({ type: 'told', title: message.title, accepted, channels: notifiers.length })
  }
}
