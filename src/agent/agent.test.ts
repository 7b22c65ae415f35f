/** The watch in time: when it looks, what it tells people, and what it writes down before it acts. */
import { describe, expect, it } from 'vitest'
import { handClock } from '../../test/support/shell.ts'
import { DrError } from '../errors.ts'
import type { AgentRecord } from '../ports/agent-state.ts'
import { Agent } from './agent.ts'
import type { AgentEvent } from './agent-event.ts'
import type { Conclusion, Errands, Rehearsal } from './agent-world.ts'
import type { Look } from './decide.ts'

const well: Look = {
  found: '',
  untold: '',
  committed: false,
  troubles: [],
  older: [],
  damage: null,
  service: { running: 'yes', pids: [42], because: 'running', exitStatus: null },
  latch: null,
  interrupted: null,
  running: false,
}
const damaged: Look = { ...well, found: 'page 7 is damaged' }
const failed = new DrError('IO_FAILED', { what: 'it was ended by SIGKILL', untouched: 'All.', next: 'Look.' })

/** An agent in a world of plain values; `passing` lets time pass, a second at a time. */
async function watching(over: Partial<Errands> = {}, mayExecute = true, before: AgentRecord | null = null) {
  const clock = handClock()
  const events: AgentEvent[] = []
  const told: string[] = []
  const journal: string[] = []
  const bot = { lives: true }
  const world = {
    look: well,
    looks: 0,
    rehearsal: { success: true, because: 'it passes' } as Rehearsal,
    conclusion: { success: true, because: 'recovered' } as Conclusion,
  }
  const errands: Errands = {
    look: async () => {
      world.looks++
      return world.look
    },
    rehearse: async () => world.rehearsal,
    execute: async () => {
      journal.push('run')
      world.look = well
      return world.conclusion
    },
    ...over,
  }
  const notify = async ({ title }: { readonly title: string }) => {
    told.push(title)
    return { outcome: 'accepted' as const, because: '200' }
  }
  const agent = await Agent.open(
    {
      clock,
      errands,
      state: { read: async () => before, write: async (record) => void journal.push(record.run === null ? 'record' : 'record of a run') },
      notifiers: [{ description: 'webhook', notify }],
      pid: 7,
      watchProcess: () => () => bot.lives,
    },
    {
      system: 'desk',
      scenario: 'DATABASE_CORRUPTION',
      mayExecute,
      mayRecoverOlder: mayExecute,
      lookEveryMs: 30_000,
      rehearseEveryMs: 300_000,
    },
    (event) => events.push(event),
  )
  const stop = new AbortController()
  const ended = agent.watch(stop.signal)
  const passing = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await clock.pass(1000)
      for (let turn = 0; turn < 30; turn++) await Promise.resolve()
    }
  }
  const looked = () => events.flatMap((event) => (event.type === 'looked' ? [event.why] : []))
  const decided = () => events.flatMap((event) => (event.type === 'decided' ? [event.do] : []))
  const end = (): Promise<void> => {
    stop.abort()
    return ended
  }
  return { agent, world, bot, events, told, journal, passing, looked, decided, end }
}

const attached: AgentEvent = { type: 'attached', do: 'continue', because: 'x', timeline: '00000001', txid: 7 }

describe('when it looks', () => {
  it('the capture follows -> soon; then every 30 s, and a rehearsal every 5 min', async () => {
    const { agent, passing, looked, events, end } = await watching()
    agent.heard(attached)
    await passing(3)
    expect(looked()).toEqual(['the capture follows the database'])
    await passing(89)
    expect(looked()).toHaveLength(4)
    await passing(300)
    expect(events.filter((event) => event.type === 'rehearsed')).toHaveLength(2)
    await end()
  })
  it('nothing follows the database -> it is looked at all the same', async () => {
    const { passing, looked, end } = await watching()
    await passing(11)
    expect(looked()).toEqual(['the agent begins'])
    await end()
  })
  it('a process of the bot ends, or the capture warns -> within seconds', async () => {
    const { agent, bot, passing, looked, end } = await watching()
    await passing(11)
    bot.lives = false
    await passing(2)
    expect(looked().at(-1)).toBe('a process of the bot ended')
    bot.lives = true
    agent.heard({ type: 'warning', because: 'frame 7 is damaged' })
    await passing(3)
    expect(looked().at(-1)).toBe('the capture warns')
    await end()
  })
  it.each(['look', 'rehearse'] as const)('it is told to end in the middle of a %s -> that is given up, and it ends', async (what) => {
    const slow = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(failed), { once: true }))
    const { events, journal, passing, end } = await watching({ [what]: slow })
    await passing(60)
    const before = journal.length
    await end()
    expect(events.at(-1)).toMatchObject({ type: 'not-done' })
    expect(journal).toHaveLength(before)
  })
  it('a look cannot be taken -> said, and the next one comes', async () => {
    const { events, passing, end } = await watching({ look: () => Promise.reject(failed) })
    await passing(50)
    expect(events.filter((event) => event.type === 'not-done')).toHaveLength(2)
    await end()
  })
})

describe('damage', () => {
  it('seen twice -> that the run is its own is written first, then it runs, and people are told how it ended', async () => {
    const { world, passing, journal, told, decided, end } = await watching()
    world.look = damaged
    await passing(14)
    expect(decided().slice(0, 2)).toEqual(['look-again', 'execute'])
    expect(journal.slice(journal.indexOf('record of a run'), journal.indexOf('run') + 1)).toEqual(['record of a run', 'run'])
    expect(told).toEqual(['desk: DATABASE_CORRUPTION: recovered'])
    await end()
  })
  it('it was mended, and comes again much later -> mended again', async () => {
    const { world, passing, journal, told, end } = await watching()
    for (let month = 0; month < 2; month++) {
      world.look = damaged
      await passing(45)
      await passing(20 * 60)
    }
    expect(journal.filter((entry) => entry === 'run')).toHaveLength(2)
    expect(told).toEqual(Array(2).fill('desk: DATABASE_CORRUPTION: recovered'))
    await end()
  })
  it('seen once, gone at the second look -> nothing is stopped', async () => {
    const { world, passing, decided, journal, end } = await watching()
    world.look = damaged
    await passing(11)
    world.look = well
    await passing(60)
    expect(decided()).toEqual(['look-again'])
    expect(journal).not.toContain('run')
    await end()
  })
  it('it may not start anything -> a person is called, once, however often it is seen', async () => {
    const { world, passing, told, end } = await watching({}, false)
    world.look = damaged
    await passing(120)
    expect(told).toEqual(['desk: DATABASE_CORRUPTION needs a person'])
    world.look = well
    await passing(40)
    world.look = damaged
    await passing(70)
    expect(told).toHaveLength(2)
    await end()
  })
  it('the run does not recover -> people are told, and the agent watches on', async () => {
    const { world, passing, told, looked, end } = await watching()
    world.look = damaged
    world.conclusion = { success: false, because: 'no point passes' }
    await passing(14)
    expect(told).toEqual(['desk: DATABASE_CORRUPTION: NOT recovered'])
    const before = looked().length
    await passing(40)
    expect(looked().length).toBeGreaterThan(before)
    await end()
  })
})

describe('what people are told', () => {
  it('rehearsals fail -> once, until one passed', async () => {
    const { world, passing, told, end } = await watching()
    world.rehearsal = { success: false, because: 'test queries fail' }
    await passing(620)
    expect(told).toEqual(['desk: a restore was rehearsed and FAILED'])
    world.rehearsal = { success: true, because: 'it passes' }
    await passing(310)
    world.rehearsal = { success: false, because: 'test queries fail' }
    await passing(310)
    expect(told).toHaveLength(2)
    await end()
  })
  it('the capture ends four times in ten minutes -> told; three times, or over an hour -> not', async () => {
    const { agent, passing, told, end } = await watching()
    for (let life = 0; life < 5; life++) {
      agent.heard({ type: 'restarted', because: 'it was ended by SIGKILL' })
      await passing(400)
    }
    expect(told).toEqual([])
    for (let life = 0; life < 4; life++) agent.heard({ type: 'restarted', because: 'it was ended by SIGKILL' })
    await passing(1)
    expect(told).toEqual(['desk: the capture does not live long'])
    await end()
  })
  it('the bot is in trouble that no recovery mends -> told once, and nothing is started', async () => {
    const { world, passing, told, journal, end } = await watching()
    world.look = { ...well, troubles: ['the bot says: disk is full'] }
    await passing(100)
    expect(told).toEqual(['desk: the bot is in trouble'])
    expect(journal).not.toContain('run')
    await end()
  })
})
