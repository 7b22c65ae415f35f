/** The six scenarios of the runbook by name: those that this version can run, and those that come later. Pure. */

export const scenarioNames = ['DATABASE_CORRUPTION'] as const

/** What the agent may be allowed to start: a scenario, or that of a database which is certainly older than its replica, on that timeline. */
export const automaticNames = [...scenarioNames, 'DATABASE_OLDER'] as const

export type AutomaticName = (typeof automaticNames)[number]

export type ScenarioName = (typeof scenarioNames)[number]

/** Known words, so that they are refused as what they are and not as a typing error. */
export const laterScenarios = ['PRIMARY_FAILURE', 'NETWORK_PARTITION', 'DATA_LOSS', 'SECURITY_BREACH', 'COMPLETE_DISASTER'] as const
