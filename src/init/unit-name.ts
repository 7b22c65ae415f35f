/** A name for the unit of the copy, under which no unit of another configuration stands. */

import { unitWord } from './unit-word.ts'

/** Chosen: nobody has as many bots of one name on one host. */
const mostTries = 100

export const unitPath = (name: string): string => `/etc/systemd/system/${name}.service`

/** `textOf`: of the file at a path; null: there is none, or it cannot be read. `config`: path of the configuration, which its unit names. */
export function unitName(system: string, config: string, textOf: (path: string) => string | null): string {
  const plain = system.replace(/[^\w.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '')
  const base = `genesis-dr-${plain === '' ? 'agent' : plain}`
  for (let at = 1; at < mostTries; at++) {
    const name = at === 1 ? base : `${base}-${at}`
    const text = textOf(unitPath(name))
    if (text === null || text.split('\n').some((line) => line.endsWith(` --config ${unitWord(config)}`))) return name
  }
  return `${base}-${mostTries}`
}
