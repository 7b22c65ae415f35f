/**
 * `npm run storm`: a bot at full speed that does all that SQLite allows, a capture that is killed again and again, and every restore compared.
 * It plays turns with everything new, each of another shape, until the time is over or so many kills are done. Ends 1 with the story and the
 * files of a turn that went wrong; the same seed and shape play it again, as far as processes of a machine can be played again.
 */
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/drill/seeded-random.ts'
import { sentenceOf } from '../src/errors.ts'
import { crossLockPage } from '../test/storm/lock-page.ts'
import { addFacts, describeFacts, noFacts, type StormFacts } from '../test/storm/storm-facts.ts'
import { type StormShape, stormTurn } from '../test/storm/storm-turn.ts'
import { clear, endAll, makeSystem, type TestSystem } from '../test/support/system.ts'

const help = `npm run storm -- [options]
  --seconds N          how long, all turns together (600)
  --kills N            or until so many kills of the capture are done (5000)
  --turn N             seconds of one turn (20)
  --seed N             of the first turn; each later one has the next (chosen by the clock)
  --page-size N|all    512 to 65536 (all: each turn another one)
  --auto-vacuum KIND   none, full, incremental or all (all)
  --big MIB            the largest transactions (40)
  --lock-page          instead of all that: a database that crosses 1 GiB, where SQLite leaves a page out (4 GiB of disk, about a minute)
`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    kills: { type: 'string', default: '5000' },
    turn: { type: 'string', default: '20' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    'page-size': { type: 'string', default: 'all' },
    'auto-vacuum': { type: 'string', default: 'all' },
    big: { type: 'string', default: '40' },
    'lock-page': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const pageSizes = [4096, 512, 65536, 1024, 8192, 2048, 16384, 32768]
const autoVacuums = ['none', 'full', 'incremental'] as const
const everies = [50, 400, 4000]
const rates = [0, 0, 200]

function number(name: 'seconds' | 'kills' | 'turn' | 'seed' | 'big'): number {
  const value = Number(values[name])
  if (values[name] !== '' && Number.isFinite(value) && value >= 0) return value
  throw new Error(`--${name} ${values[name]} is not a number`)
}

/** One of `all`, or the one that was asked for. */
function chosen<T extends string | number>(name: 'page-size' | 'auto-vacuum', all: readonly T[], at: number): T {
  const among = all.filter((one) => values[name] === 'all' || values[name] === `${one}`)
  const one = among[at % among.length]
  if (one === undefined) throw new Error(`--${name} ${values[name]} is none of ${all.join(', ')}, all`)
  return one
}

function shapeOf(turn: number, seed: number): StormShape {
  const { below } = seededRandom(seed)
  const pick = (all: readonly number[]): number => all[below(all.length)] ?? 0
  return {
    seed,
    pageSize: chosen('page-size', pageSizes, turn),
    autoVacuum: chosen('auto-vacuum', autoVacuums, below(3)),
    big: below(3) === 0 ? number('big') : 0,
    every: pick(everies),
    rate: pick(rates),
    tools: below(2),
  }
}

/** True when `play` ended well; otherwise its story is told and its files are kept. */
async function played(what: string, play: (system: TestSystem) => Promise<void>): Promise<boolean> {
  const system = makeSystem()
  try {
    await play(system)
    await clear(system)
    return true
  } catch (error) {
    await endAll(system)
    process.stdout.write(`\nit went wrong: ${what}\n${sentenceOf(error)}\nits files are left in ${system.folder}\n`)
    process.exitCode = 1
    return false
  }
}

async function crossings(): Promise<void> {
  for (const pageSize of [4096, 65536, 512].filter((one) => ['all', `${one}`].includes(values['page-size']))) {
    const tell = (sentence: string): boolean => process.stdout.write(`${sentence}\n`)
    if (!(await played(`--lock-page --page-size ${pageSize}`, (system) => crossLockPage(system, pageSize, tell)))) return
  }
}

/** One line that is written over, where somebody looks. */
function showProgress(kills: number, turn: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\rturn ${turn}, ${kills} kills `)
}

async function main(): Promise<void> {
  const began = performance.now()
  const seconds = number('seconds')
  const left = (): number => seconds - (performance.now() - began) / 1000
  const total = noFacts()
  process.stdout.write(`seed ${values.seed}: repeat with --seed ${values.seed}\n`)
  for (let turn = 0; left() > 1 && total.kills < number('kills'); turn++) {
    const shape = shapeOf(turn, number('seed') + turn)
    const words = `--seed ${shape.seed} --page-size ${shape.pageSize} (${JSON.stringify(shape)})`
    const options = {
      ...shape,
      kills: number('kills') - total.kills,
      seconds: Math.min(left(), number('turn')),
      restoreEvery: 5,
      lifeMs: 1000,
    }
    const onProgress = ({ kills }: StormFacts): void => showProgress(total.kills + kills, turn)
    if (!(await played(words, async (system) => addFacts(total, await stormTurn(system, { ...options, onProgress }))))) return
    process.stdout.write(`\r${Math.round((performance.now() - began) / 1000)} s  ${total.kills} kills  ${words}\n`)
  }
  process.stdout.write(`${describeFacts(total)}\n`)
}

if (values.help) process.stdout.write(help)
else {
  try {
    await (values['lock-page'] ? crossings() : main())
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`)
    process.exitCode = 2
  }
}
