/** What the probes of a runbook see: each is asked, and one that cannot be asked finds neither yes nor no. */
import { isDrError, sentenceOf } from '../errors.ts'
import type { Finding, Probe, RunbookPorts, RunSettings } from './runbook.ts'

export interface Detection extends Finding {
  readonly probe: string
  /** In the mission's own words. */
  readonly title: string
}

/** One after the other, in the order of the runbook. */
export async function detect(ports: RunbookPorts, probes: readonly Probe[], settings: RunSettings): Promise<readonly Detection[]> {
  const detections: Detection[] = []
  for (const probe of probes) detections.push({ probe: probe.name, title: probe.title, ...(await look(ports, probe, settings)) })
  return detections
}

async function look(ports: RunbookPorts, probe: Probe, settings: RunSettings): Promise<Finding> {
  try {
    return await probe.look(ports, settings)
  } catch (error) {
    if (!isDrError(error)) throw error
    return { found: null, because: sentenceOf(error) }
  }
}

/** "Database integrity check failures: page 7 ...". What is not configured is no gap of a look: status lists it. */
export function listedDetections(detections: readonly Detection[], found: true | null): string {
  return detections
    .filter((one) => one.found === found && one.notConfigured !== true)
    .map(({ title, because }) => `${title}: ${because}`)
    .join('; ')
}

/** There is something, and all of it was committed by somebody. */
export function onlyCommitted(detections: readonly Detection[]): boolean {
  const found = detections.filter((one) => one.found === true)
  return found.length > 0 && found.every(({ committed }) => committed === true)
}

/** What is wrong besides damage, each once. */
export function troublesOf(detections: readonly Detection[]): readonly string[] {
  return [...new Set(detections.flatMap(({ troubles }) => troubles ?? []))]
}
