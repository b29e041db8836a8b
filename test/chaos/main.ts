import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { commit } from '../bench/machine.ts'
import { replaceFigures, table } from '../bench/report.ts'
import { ROOT } from '../estate.ts'
import { COLUMNS, cells, figures } from './joined.ts'
import { play, SCENARIOS } from './play.ts'
import { openStage } from './stage.ts'

/**
 * `npm run chaos -- [--seconds 30] [--only NAME] [--write]`: breaks what can break around a running router and in it
 * while clients ask, prints what they noticed, and with `--write` puts it into docs/resilience.md. Exit code 0:
 * everything promised held; 1: it did not; 2: used wrongly.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const chosen = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only)
if (!(seconds > 0) || chosen.length === 0 || (values.write && chosen.length < SCENARIOS.length)) {
  const names = SCENARIOS.map(({ name }) => name).join(', ')
  console.error(`npm run chaos -- [--seconds NUMBER] [--only NAME | --write]; names: ${names}`)
  process.exit(2)
}
const measured = commit()
const stage = await openStage()
const rows: string[][] = []
let broken = 0
try {
  for (const scenario of chosen) {
    const joined = await play(scenario, stage, seconds)
    console.log(figures(scenario.name, joined))
    rows.push([scenario.name, ...cells(joined)])
    for (const problem of scenario.broken(joined)) {
      broken++
      console.log(`    BROKEN ${problem}`)
    }
  }
} finally {
  await stage.close()
}
const text = `commit \`${measured}\`; ${seconds} s a harm\n\n${table(['harm', ...COLUMNS], rows)}`
console.log(`\n${text}`)
if (values.write) {
  const page = join(ROOT, 'docs', 'resilience.md')
  writeFileSync(page, replaceFigures(readFileSync(page, 'utf8'), 'chaos', text))
}
process.exit(broken === 0 ? 0 : 1)
