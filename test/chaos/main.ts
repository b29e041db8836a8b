import { parseArgs } from 'node:util'
import { figures } from './joined.ts'
import { play, SCENARIOS } from './play.ts'
import { openStage } from './stage.ts'

/**
 * `npm run chaos -- [--seconds 30] [--only NAME]`: breaks what can break around a running router and in it while
 * clients ask, and prints what they noticed. Exit code 0: promises.md holds; 1: it does not; 2: used wrongly.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' }, only: { type: 'string' } } })
const seconds = Number(values.seconds)
const chosen = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only)
if (!(seconds > 0) || chosen.length === 0) {
  const names = SCENARIOS.map(({ name }) => name).join(', ')
  console.error(`npm run chaos -- [--seconds NUMBER] [--only NAME]; names: ${names}`)
  process.exit(2)
}
const stage = await openStage()
let broken = 0
try {
  for (const scenario of chosen) {
    const joined = await play(scenario, stage, seconds)
    console.log(figures(scenario.name, joined))
    for (const problem of scenario.broken(joined)) {
      broken++
      console.log(`    BROKEN ${problem}`)
    }
  }
} finally {
  await stage.close()
}
process.exit(broken === 0 ? 0 : 1)
