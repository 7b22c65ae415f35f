/** The runbook as a page, from the same data that is executed. Pure. */
import { formatDuration } from '../units.ts'
import type { Runbook, RunSettings, Step, Undo } from './runbook.ts'

export type DocumentFacts = Pick<RunSettings, 'contacts' | 'links'>

export function runbookDocument(runbooks: readonly Runbook[], { contacts, links }: DocumentFacts): string {
  return [
    '# Disaster Recovery Runbook',
    '',
    'Generated from the data that is executed. Change the runbooks in `src/runbook/`, then run `npm run docs`.',
    '',
    '## Quick Reference',
    '',
    '| Scenario | RTO | RPO | Automation |',
    '|---|---|---|---|',
    ...runbooks.map(
      (one) => `| [${one.title}](#${anchor(one.title)}) | ${formatDuration(one.rto)} | ${formatDuration(one.rpo)} | ${one.automation} |`,
    ),
    '',
    ...runbooks.flatMap(section),
    ...(contacts.length === 0 ? [] : ['## Contacts', '', ...contacts.map((one, at) => `${at + 1}. **${one.role}**: ${one.reach}`), '']),
    ...(Object.keys(links).length === 0
      ? []
      : ['## Monitoring', '', ...Object.entries(links).map(([name, url]) => `- ${name}: ${url}`), '']),
  ].join('\n')
}

function section(runbook: Runbook): readonly string[] {
  const immediate = runbook.steps.filter((one) => one.phase === 'immediate')
  const recovery = runbook.steps.filter((one) => one.phase !== 'immediate')
  return [
    `## ${runbook.title}`,
    '',
    '```bash',
    `genesis-dr execute --scenario ${runbook.scenario} --dry-run   # looks through every step, changes nothing`,
    `genesis-dr execute --scenario ${runbook.scenario}             # --manual asks at each step`,
    `genesis-dr drill --scenario ${runbook.scenario}               # plays it on an isolated copy and measures it`,
    '```',
    '',
    '### Detection',
    '',
    ...runbook.detectedWhen.map((one) => `- **${one.title}** (\`${one.name}\`): asks ${one.asks}`),
    '',
    '### Immediate Actions',
    '',
    ...numbered(immediate),
    '### Recovery Procedure',
    '',
    ...numbered(recovery),
    '### Validation',
    '',
    ...runbook.validation.map((one) => `- **${one.bullet}** (${one.check}): by ${one.by}`),
    '',
  ]
}

function numbered(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((one, at) => [
    `${at + 1}. **${one.title}** (\`${one.name}\`). ${one.does}`,
    `   - Repeating it after a crash (${one.effect.kind}): ${one.effect.because}`,
    `   - Undo: ${undoText(one.undo)}`,
    '',
  ])
}

export function undoText(undo: Undo): string {
  return 'does' in undo ? undo.does : `none. ${undo.none}`
}

function anchor(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-')
}
