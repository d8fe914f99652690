import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

// One reader with an event loop of its own: it reads a range of a cached file now and then, and knows nothing of the crowd.
const { url, rangeBytes, fileBytes, everyMs } = workerData as {
  url: string
  rangeBytes: number
  fileBytes: number
  everyMs: number
}
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
let firstByteMs: number[] = []
let errors = 0
parentPort?.on('message', () => {
  parentPort?.postMessage({ firstByteMs, errors })
  firstByteMs = []
  errors = 0
})

const readOne = (startByte: number) =>
  new Promise<void>((resolve) => {
    const startedMs = performance.now()
    const failed = () => {
      errors++
      resolve()
    }
    const headers = { range: `bytes=${startByte}-${startByte + rangeBytes - 1}` }
    const asked = request(url, { agent, headers }, (response) => {
      if (response.statusCode !== 206) errors++
      response.once('data', () => firstByteMs.push(performance.now() - startedMs))
      response.resume()
      response.on('end', resolve)
      response.on('error', failed)
    })
    asked.on('error', failed)
    asked.end()
  })

for (let at = 0; ; at = (at + rangeBytes) % (fileBytes - rangeBytes)) {
  await readOne(at)
  await delay(everyMs)
}
