/** What is to be typed after `init`, so that the bot is protected: exact lines, which can be pasted. Pure. */
import { shellWord } from '../shell-word.ts'
import type { Facts } from './facts.ts'
import type { Proposal } from './propose.ts'
import { unitPath } from './unit-name.ts'
import { unitWord } from './unit-word.ts'

export interface Program {
  /** Absolute paths of the Node that runs us and of the command. */
  readonly node: string
  readonly script: string
}

export interface TextFile {
  readonly path: string
  readonly text: string
}

export interface NextStep {
  readonly does: string
  readonly lines: readonly string[]
}

export interface NextSteps {
  /** The unit of the copy. */
  readonly unit: TextFile
  readonly steps: readonly NextStep[]
}

export interface Units {
  /** Of the unit of the copy. */
  readonly name: string
  /** What makes the unit of the bot respect a halt latch; null: there is no unit, or it does already. */
  readonly halt: TextFile | null
}

export function nextSteps(facts: Facts, proposal: Proposal, program: Program, { name, halt }: Units): NextSteps {
  const { access } = proposal
  const config = `--config ${shellWord(facts.output)}`
  const unit = { path: unitPath(name), text: unitText(facts, proposal, program) }
  const install = [
    `# or, in the foreground and without systemd: genesis-dr agent ${config}`,
    ...replicaFolder(facts),
    ...written(unit),
    ...(halt === null ? [] : [`mkdir -p ${shellWord(halt.path.slice(0, halt.path.lastIndexOf('/')))}`, ...written(halt)]),
    'systemctl daemon-reload',
    `systemctl enable --now ${name}`,
  ]
  const kept = halt === null ? '' : ', and keep the bot stopped, also over a reboot, while a recovery holds it'
  return {
    unit,
    steps: [
      ...(access.mend.length === 0
        ? []
        : [{ does: 'let this user protect it (a group that it joins counts from its next login on)', lines: access.mend }]),
      ...walStep(facts, proposal),
      { does: `copy it from now on and after every boot${kept} (as root)`, lines: install },
      { does: 'prove that what is copied can be restored', lines: [`genesis-dr validate ${config}`] },
      { does: 'look at all of it', lines: [`genesis-dr status ${config}`] },
    ],
  }
}

function walStep({ file, output, containers }: Facts, { service }: Proposal): readonly NextStep[] {
  if (file.journal === 'wal') return []
  const [container] = containers.found
  const turn = (verb: string): readonly string[] => {
    if (service.value === null) return []
    if ('command' in service.value) return []
    if ('systemd' in service.value) return [`systemctl ${verb} ${shellWord(service.value.systemd)}`]
    return container === undefined ? [] : [`docker compose --file ${shellWord(container.file)} ${verb} ${shellWord(container.service)}`]
  }
  const lines = [...turn('stop'), `genesis-dr init --db ${shellWord(file.path)} --output ${shellWord(output)} --wal`, ...turn('start')]
  return [{ does: `with the bot stopped${service.value === null ? ' by hand' : ''}, switch its database to WAL mode`, lines }]
}

/** The copy runs as the owner of the database, so that all that it makes beside it is the bot's too. */
function unitText({ output, folder, file, owner }: Facts, { name }: Proposal, { node, script }: Program): string {
  return [
    '[Unit]',
    `Description=genesis-dr for ${name.value.replaceAll('%', '%%')}`,
    '[Service]',
    ...(file.uid === 0 ? [] : [`User=${owner}`]),
    `WorkingDirectory=${folder.replaceAll('%', '%%')}`,
    `ExecStart=${[node, script, 'agent', '--config', output].map(unitWord).join(' ')}`,
    'Restart=always',
    'RestartSec=5',
    // Only the agent itself is told to end: it ends its capture, and a bot that it started lives on.
    'KillMode=process',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

/** Whoever copies has to be able to write there; what stands there already and is his is left as it is. */
function replicaFolder({ replica, file, owner, group }: Facts): readonly string[] {
  return file.uid === 0 || replica.owner === owner
    ? []
    : [`install -d -o ${shellWord(owner)} -g ${shellWord(group)} ${shellWord(replica.path)}`]
}

const written = ({ path, text }: TextFile): readonly string[] => [`cat >${shellWord(path)} <<'END'`, ...text.trimEnd().split('\n'), 'END']
