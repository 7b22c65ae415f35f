/** Chance from the operating system. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../../ports/random.ts'

export const nodeRandom: Random = { hex: (bytes) => randomBytes(bytes).toString('hex'), below: (bound) => randomInt(bound) }
