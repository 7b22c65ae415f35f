/** The runbook as a page has every word of the mission's scenario, and every step and probe that really runs. */
import { describe, expect, it } from 'vitest'
import { checkDatabase } from './check-database.ts'
import { runbookDocument, undoText } from './document.ts'
import { exchangeChecks } from './exchange.ts'
import { databaseCorruption } from './scenarios/database-corruption.ts'

const none = { contacts: [], links: {} }
const page = runbookDocument([databaseCorruption], none)
/** What stands under a heading. */
const under = (heading: string): string => new RegExp(`### ${heading}\\n([\\s\\S]*?)(?=\\n##|$)`).exec(page)?.[1] ?? ''

/** The mission's own words for "Database Corruption". */
const mission = {
  Detection: [
    'Database integrity check failures',
    'Unexpected query errors',
    'Data inconsistencies detected',
    'Application crashes when accessing data',
  ],
  'Immediate Actions': ['STOP all trading immediately', 'Create immediate backup', 'Notify team'],
  'Recovery Procedure': [
    'Identify last known good backup',
    'Perform point-in-time recovery',
    'Validate recovered data',
    'Reconcile with exchange',
    'Resume operations',
  ],
  Validation: [
    'Run database integrity check',
    'Verify position counts match',
    'Check account balances',
    'Confirm order states',
    'Test queries',
  ],
}

describe('the page of DATABASE_CORRUPTION', () => {
  it.each(Object.entries(mission))('the mission lists under %s -> every bullet is there, in its order', (heading, bullets) => {
    const text = under(heading)
    const places = bullets.map((bullet) => text.indexOf(bullet))
    expect(
      places.every((place) => place >= 0),
      `${bullets[places.indexOf(-1)]} is not under ${heading}`,
    ).toBe(true)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })

  it('every probe -> by its name, with what it asks', () => {
    expect(databaseCorruption.detectedWhen).toHaveLength(4)
    for (const probe of databaseCorruption.detectedWhen) {
      expect(under('Detection')).toContain(`- **${probe.title}** (\`${probe.name}\`): asks ${probe.asks}`)
    }
  })

  it('every step -> once, under its phase, with what it does, why it may be repeated, and its undo', () => {
    expect(new Set(databaseCorruption.steps.map((step) => step.name)).size).toBe(databaseCorruption.steps.length)
    for (const step of databaseCorruption.steps) {
      const text = under(step.phase === 'immediate' ? 'Immediate Actions' : 'Recovery Procedure')
      expect(page.split(`(\`${step.name}\`)`)).toHaveLength(2)
      expect(text).toContain(`**${step.title}** (\`${step.name}\`). ${step.does}`)
      expect(text).toContain(`Repeating it after a crash (${step.effect.kind}): ${step.effect.because}`)
      expect(text).toContain(`Undo: ${undoText(step.undo)}`)
    }
  })

  it('the steps of a phase -> numbered from 1, in the order in which they run', () => {
    for (const [heading, immediate] of [
      ['Immediate Actions', true],
      ['Recovery Procedure', false],
    ] as const) {
      const names = databaseCorruption.steps.filter((step) => (step.phase === 'immediate') === immediate).map((step) => step.name)
      const listed = [...under(heading).matchAll(/^(\d+)\. .*?\(`([a-z-]+)`\)/gm)].map((match) => [match[1], match[2]])
      expect(listed).toEqual(names.map((name, at) => [`${at + 1}`, name]))
    }
  })

  it('every validation -> with the name of a check that a recovery really makes, or names as not configured', async () => {
    const checks = { integrity: async () => [], queryValue: async () => 0, rowCounts: async () => ({}), pageUses: async () => new Map() }
    const made = [...(await checkDatabase(checks, 'bot.db', 'alone', { integrity: 'quick', checks: [] })), ...exchangeChecks]
    expect(new Set(databaseCorruption.validation.map(({ check }) => check))).toEqual(new Set(made.map(({ check }) => check)))
    const lines = under('Validation').split('\n')
    for (const { bullet, check } of databaseCorruption.validation) {
      expect(lines.some((line) => line.includes(bullet) && line.includes(check))).toBe(true)
    }
  })

  it('the quick reference -> the targets of the mission, with a link that leads to the heading', () => {
    expect(page).toContain('| [Database Corruption](#database-corruption) | 15 min | 5 min | full |')
    expect(page).toContain('\n## Database Corruption\n')
  })

  it('the commands -> those that run it, look through it, and play it', () => {
    for (const command of ['execute --scenario DATABASE_CORRUPTION', '--dry-run', '--manual', 'drill --scenario DATABASE_CORRUPTION']) {
      expect(page).toContain(command)
    }
  })

  it('contacts and links of the configuration -> in their order; without any, no empty heading', () => {
    const contacts = [
      { role: 'On-Call Engineer', reach: '+00 1' },
      { role: 'Exchange', reach: 'support@example.com' },
    ]
    const full = runbookDocument([databaseCorruption], { contacts, links: { 'Primary Dashboard': 'https://monitor.example.com' } })
    expect(full).toContain('## Contacts\n\n1. **On-Call Engineer**: +00 1\n2. **Exchange**: support@example.com\n')
    expect(full).toContain('## Monitoring\n\n- Primary Dashboard: https://monitor.example.com\n')
    expect([page.includes('## Contacts'), page.includes('## Monitoring')]).toEqual([false, false])
  })
})
