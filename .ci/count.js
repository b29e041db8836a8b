// Reads vitest's JSON report: complains of what was skipped, and ends with the line `N passed, N failed`.
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const tests = report.testResults.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })))
const passed = tests.filter((test) => test.status === 'passed').length
const failed = tests.filter((test) => test.status === 'failed').length
const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
// A file that fails before its first test, or in its preparation, has no failed test to count.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
)

for (const test of skipped) console.error(`skipped, which is not allowed here: ${test.file}: ${test.fullName}`)
for (const file of brokenFiles) console.error(`failed outside of its tests: ${file.name}`)
if (passed === 0) console.error('no test passed')
if (!report.success || skipped.length > 0 || brokenFiles.length > 0 || passed === 0) process.exitCode = 1
console.log(`${passed} passed, ${failed + brokenFiles.length} failed`)
