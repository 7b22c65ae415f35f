/** What is to be typed next: lines that can be pasted as they are. */
import { describe, expect, it } from 'vitest'
import { initFacts } from '../../test/support/shell.ts'
import type { Facts } from './facts.ts'
import { nextSteps, type Units } from './next-steps.ts'
import { propose } from './propose.ts'

const program = { node: '/opt/my node', script: '/opt/g/bin/genesis-dr.js' }
const of = (over: Partial<Facts>, halt: Units['halt'] = null) => {
  const facts = { ...initFacts, ...over }
  return nextSteps(facts, propose(facts), program, { name: 'genesis-dr-bot', halt })
}
const lines = (next: ReturnType<typeof of>): readonly string[] => next.steps.flatMap((step) => step.lines)

describe('the unit of the copy', () => {
  it('a program in a folder with a blank, a path with a percent sign -> words as systemd reads them', () => {
    const { unit } = of({ folder: '/srv/100%', output: '/srv/100%/it"s $5.yaml' })
    expect(unit.path).toBe('/etc/systemd/system/genesis-dr-bot.service')
    expect(unit.text).toContain('\nWorkingDirectory=/srv/100%%\n')
    expect(unit.text).toContain('\nExecStart="/opt/my node" /opt/g/bin/genesis-dr.js agent --config "/srv/100%%/it\\"s $$5.yaml"\n')
  })

  it('it runs as the owner of the database; where that is root, as root', () => {
    expect(of({}).unit.text).toContain('\nUser=trader\n')
    expect(of({ file: { ...initFacts.file, uid: 0 } }).unit.text).not.toContain('User=')
  })
})

describe('the lines', () => {
  it('the folder of the replica is not there, or is of another -> it is made for the owner', () => {
    const made = 'install -d -o trader -g trader /replica'
    expect(lines(of({ replica: { ...initFacts.replica, owner: null } }))).toContain(made)
    expect(lines(of({ replica: { ...initFacts.replica, owner: 'root' } }))).toContain(made)
    expect(lines(of({}))).not.toContain(made)
  })

  it('the unit of the bot would start past a halt latch -> its drop-in is among them', () => {
    const halt = { path: '/etc/systemd/system/bot.service.d/50-x.conf', text: '# x\n[Unit]\nConditionPathExists=!/a b\n' }
    expect(lines(of({}, halt)).join('\n')).toContain(
      "mkdir -p /etc/systemd/system/bot.service.d\ncat >/etc/systemd/system/bot.service.d/50-x.conf <<'END'\n# x\n[Unit]\nConditionPathExists=!/a b\nEND\nsystemctl daemon-reload",
    )
  })

  it('rollback-journal mode -> first the switch, with the unit stopped around it', () => {
    const { steps } = of({ file: { ...initFacts.file, journal: 'rollback' } })
    expect(steps[0]?.lines).toEqual([
      'systemctl stop bot',
      'genesis-dr init --db /desk/bot.db --output /desk/genesis-dr.yaml --wal',
      'systemctl start bot',
    ])
    const byHand = of({ file: { ...initFacts.file, journal: 'rollback' }, units: { found: [], because: '' } })
    expect(byHand.steps[0]).toMatchObject({ does: expect.stringContaining('by hand'), lines: [expect.stringContaining('--wal')] })
  })

  it('this user may not write the database -> what mends it comes first', () => {
    const writeAccess = { may: false, because: 'it may not', instead: 'Run it as root', commands: ['sudo chmod g+rw x'] } as const
    expect(of({ writeAccess }).steps[0]).toEqual({ does: expect.stringMatching(/^let this user protect it/), lines: ['sudo chmod g+rw x'] })
  })

  it('at the end -> validate, then status, with the configuration that was written', () => {
    expect(lines(of({})).slice(-2)).toEqual([
      'genesis-dr validate --config /desk/genesis-dr.yaml',
      'genesis-dr status --config /desk/genesis-dr.yaml',
    ])
  })
})
