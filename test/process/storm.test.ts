/** The storm, as much of it as fits into a run of all tests. `npm run storm` plays it for as long as one likes, and with more of everything. */
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, linuxProc, python } from '../needs.ts'
import { addFacts, describeFacts, noFacts } from '../storm/storm-facts.ts'
import { type StormShape, stormTurn } from '../storm/storm-turn.ts'
import { whole } from '../support/share.ts'
import { clear, makeSystem, type TestSystem } from '../support/system.ts'

const seed = Number(process.env['GENESIS_DR_SEED'] ?? 4)
console.log(`seed ${seed}: repeat with GENESIS_DR_SEED=${seed}`)

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

/** Chosen: 200 kills in CI, on a machine of two cores in 60 s; on a busy one as many as fit into 80 s. */
const [killsEach, secondsEach] = whole ? [50, 20] : [8, 3]
const fewestKills = 5

const turns: readonly Omit<StormShape, 'seed'>[] = [
  { pageSize: 512, autoVacuum: 'full', big: 0, every: 50, rate: 0, tools: 0 },
  { pageSize: 4096, autoVacuum: 'none', big: 36, every: 2000, rate: 0, tools: 0 },
  { pageSize: 4096, autoVacuum: 'none', big: 0, every: 4000, rate: 100, tools: 1 },
  { pageSize: 65536, autoVacuum: 'incremental', big: 0, every: 400, rate: 0, tools: 0 },
]

describeWith([python, linuxProc], 'a bot that does all that SQLite allows, and a capture that is killed again and again', () => {
  const total = noFacts()
  afterAll(() => console.log(describeFacts(total)))

  it.each(turns)(
    '%j -> every restore is a prefix, the last one is the database',
    async (shape) => {
      const options = { ...shape, seed, kills: killsEach, seconds: secondsEach, restoreEvery: 10, lifeMs: 300, onProgress: () => {} }
      const facts = await stormTurn(system, options)
      addFacts(total, facts)
      expect(facts.kills).toBeGreaterThanOrEqual(fewestKills)
    },
    60_000,
  )
})
