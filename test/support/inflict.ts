/** Damage under a bot that trades: what a page of its kind is may stand in the log only, until a checkpoint puts it into the file. */
import { nodeClock } from '../../src/adapters/node/clock.ts'
import type { DamageKind } from '../../src/drill/damage.ts'
import { type Damage, inflictDamage } from '../../src/drill/inflict.ts'
import { seededRandom } from '../../src/drill/seeded-random.ts'
import { isDrError } from '../../src/errors.ts'
import type { DamageTarget } from '../../src/ports/damage-target.ts'
import { pause } from './system.ts'

/** As soon as there is something to damage: it waits for a page, and is asked again where the file is too small yet. @throws as inflictDamage */
export async function inflictOnceItCan(kind: DamageKind, target: DamageTarget): Promise<Damage> {
  for (const deadline = performance.now() + 20_000; ; ) {
    try {
      return await inflictDamage(kind, target, seededRandom(3), nodeClock)
    } catch (error) {
      if (!isDrError(error, 'DRILL_FAILED') || performance.now() > deadline) throw error
      await pause(100)
    }
  }
}
