import { expect, test } from 'vitest'
import { type RunningPart, Supervisor } from './supervisor.ts'

/** A part that ends when it is told to, and writes down what happens to it. */
function fakePart(name: string, diary: string[]): RunningPart & { die: (how: string) => void } {
  const { promise, resolve } = Promise.withResolvers<string>()
  return {
    exited: promise,
    die: resolve,
    async stop() {
      diary.push(`stop ${name}`)
      resolve('exit code 0')
    },
    kill() {
      diary.push(`kill ${name}`)
    },
  }
}

test('stops its parts in the reverse order of their start', async () => {
  const diary: string[] = []
  const supervisor = new Supervisor(() => {})
  for (const name of ['database', 'store', 'engine'])
    await supervisor.start({ name, launch: async () => fakePart(name, diary) })
  await supervisor.stop()
  expect(diary).toEqual(['stop engine', 'stop store', 'stop database'])
})

test('starts a part again that ended by itself, with a sentence for each, and stops the new one', async () => {
  const diary: string[] = []
  const said: string[] = []
  const again = Promise.withResolvers<void>()
  const supervisor = new Supervisor((sentence) => {
    said.push(sentence)
    if (sentence.endsWith('again.')) again.resolve()
  })
  let launches = 0
  const launch = async () => fakePart(`engine ${++launches}`, diary)
  const first = await supervisor.start({ name: 'The engine', launch })
  first.die('signal SIGKILL')
  await again.promise
  expect(said).toEqual(['The engine ended (signal SIGKILL); it starts again in 0.5 s.', 'The engine runs again.'])
  await supervisor.stop()
  expect(diary).toEqual(['stop engine 2'])
})

test('a part that never ran is not tried again, and its reason is thrown on', async () => {
  let launches = 0
  const supervisor = new Supervisor(() => {})
  const launch = async () => {
    launches++
    throw new Error('no room')
  }
  await expect(supervisor.start({ name: 'The store', launch })).rejects.toThrow('no room')
  await supervisor.stop()
  expect(launches).toBe(1)
})

test('stopping tells a part that is still starting, waits for it, and starts nothing more', async () => {
  const supervisor = new Supervisor(() => {})
  const launch = (stopping: AbortSignal) =>
    new Promise<RunningPart>((_, fail) => {
      stopping.addEventListener('abort', () => fail(new Error('gave up')))
    })
  const starting = supervisor.start({ name: 'The web', launch })
  const gaveUp = expect(starting).rejects.toThrow('gave up')
  await supervisor.stop()
  await gaveUp
  await expect(supervisor.start({ name: 'The engine', launch })).rejects.toThrow('stopping')
})

test('a second Ctrl-C kills all parts without asking', async () => {
  const diary: string[] = []
  const supervisor = new Supervisor(() => {})
  for (const name of ['database', 'engine']) await supervisor.start({ name, launch: async () => fakePart(name, diary) })
  supervisor.kill()
  expect(diary).toEqual(['kill database', 'kill engine'])
})
