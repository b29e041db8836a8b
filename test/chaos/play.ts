import { type Joined, join } from './joined.ts'
import { startLoad } from './load.ts'
import { WITHIN } from './processes-scenarios.ts'
import { pause, type Scenario } from './scenario.ts'
import type { Stage } from './stage.ts'
import { AROUND } from './upstreams-scenarios.ts'

/** The whole list, in the order in which one stage can stand them. */
export const SCENARIOS: readonly Scenario[] = [...AROUND, ...WITHIN]

/** Plays one scenario for about so many seconds, and joins both logs. */
export async function play(scenario: Scenario, stage: Stage, seconds: number): Promise<Joined> {
  const load = startLoad({ port: stage.router.port, ...scenario.load })
  await pause(300)
  try {
    await scenario.harm(stage, seconds, load)
    await pause(300)
  } finally {
    await load.stop()
  }
  return join(load.noted, stage.endpoints)
}
