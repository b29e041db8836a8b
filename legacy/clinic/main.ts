import { startClinic } from './server.ts'

// Settings: PORT (8101), HOST (127.0.0.1), CLINIC_HOST (clinic.internal), CLINIC_DB (:memory:), CLINIC_LOG=1 for a line
// about every handler that threw.
const { PORT = '8101', HOST = '127.0.0.1', CLINIC_HOST = 'clinic.internal', CLINIC_DB = ':memory:' } = process.env

const starting = startClinic({
  port: Number(PORT),
  hostname: HOST,
  clinicHost: CLINIC_HOST,
  databasePath: CLINIC_DB,
  ...(process.env.CLINIC_LOG ? { log: (line: string) => console.error(line) } : {}),
})
starting.then(
  (clinic) => {
    const stop = (): void => void clinic.close().then(() => process.exit(0))
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
    console.log(`clinic listens on ${clinic.url}, believes to be http://${CLINIC_HOST}`)
  },
  (error: unknown) => {
    console.error(`clinic did not start: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  },
)
