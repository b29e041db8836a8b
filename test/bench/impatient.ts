/**
 * Clients that wait in vain, as a process of their own, so that they do not disturb who measures: `impatient.ts URL
 * CLIENTS PATIENCE_MS`. Each asks, leaves when its patience is over, and asks again on a new connection; not all of them
 * at one moment. Whatever one of them is told is printed.
 */
import { get } from 'node:http'

const [url = '', clients = '1', patience = '1000'] = process.argv.slice(2)
const patienceMs = Number(patience)

function ask(): void {
  const leaving = new AbortController()
  const sent = get(url, { agent: false, signal: leaving.signal }, (response) => {
    console.log(`status ${response.statusCode}`)
    response.resume()
  })
  sent.on('error', (error) => {
    if (!leaving.signal.aborted) console.log(error.message)
  })
  setTimeout(() => {
    leaving.abort()
    ask()
  }, patienceMs)
}

for (let client = 0; client < Number(clients); client++) setTimeout(ask, (client / Number(clients)) * patienceMs)
