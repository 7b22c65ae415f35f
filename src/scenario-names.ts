/** The six scenarios of the runbook by name: those that this version can run, and those that come later. Pure. */

export const scenarioNames = ['DATABASE_CORRUPTION'] as const

export type ScenarioName = (typeof scenarioNames)[number]

/** Known words, so that they are refused as what they are and not as a typing error. */
export const laterScenarios = ['PRIMARY_FAILURE', 'NETWORK_PARTITION', 'DATA_LOSS', 'SECURITY_BREACH', 'COMPLETE_DISASTER'] as const
