import { ENGINE_SILENT_AFTER_MS } from '../domain/engine.ts'
import type { DbOrTx } from './client.ts'
import type { Prisma } from './generated/client.ts'
import { newId } from './new-id.ts'
import { type Notifications, notify } from './notifications.ts'

/** An engine answers out of its memory: what takes longer is not coming. */
const ANSWER_WITHIN_MS = 4_000
const POLL_MS = 500

export interface EngineAnswer {
  readonly engineId: string
  readonly answer: unknown
}

/**
 * Asks every healthy engine something that it alone knows and gathers the answers that come within some seconds. Engines that stay
 * silent are left out: `silent` says how many.
 */
export async function askEngines(
  db: DbOrTx,
  notifications: Notifications,
  kind: string,
  input: Prisma.InputJsonValue,
  signal?: AbortSignal,
): Promise<{ answers: EngineAnswer[]; silent: number }> {
  const engines = await db.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM "Engine" WHERE "stoppedAt" IS NULL
      AND "heartbeatAt" > now() - ${ENGINE_SILENT_AFTER_MS}::int * interval '1 millisecond'`
  if (engines.length === 0) return { answers: [], silent: 0 }
  const questions = engines.map((engine) => ({ id: newId(), engineId: engine.id, kind, input }))
  const where = { id: { in: questions.map(({ id }) => id) } }
  const hints = notifications.hints('sluice_cache')
  try {
    await db.engineQuestion.createMany({ data: questions })
    await notify(db, 'sluice_cache', 'question')
    const endMs = performance.now() + ANSWER_WITHIN_MS
    for (;;) {
      const rows = await db.engineQuestion.findMany({
        where,
        select: { engineId: true, answer: true, answeredAt: true },
      })
      const answers = rows.filter(({ answeredAt }) => answeredAt !== null)
      if (answers.length === engines.length || performance.now() >= endMs || signal?.aborted)
        return {
          answers: answers.map(({ engineId, answer }) => ({ engineId, answer })),
          silent: engines.length - answers.length,
        }
      await hints.next(Math.min(POLL_MS, endMs - performance.now()), signal)
    }
  } finally {
    hints.close()
    await db.engineQuestion.deleteMany({ where }).catch(() => {})
  }
}

/** Questions this engine has not answered. Those nobody waits for any more are removed on the way. */
export async function openQuestions(
  db: DbOrTx,
  engineId: string,
): Promise<{ id: string; kind: string; input: unknown }[]> {
  const rows = await db.engineQuestion.findMany({
    where: { engineId, answeredAt: null },
    orderBy: { createdAt: 'asc' },
    take: 100,
    select: { id: true, kind: true, input: true },
  })
  if (rows.length > 0)
    await db.$executeRaw`DELETE FROM "EngineQuestion" WHERE "createdAt" < now() - interval '1 minute'`
  return rows
}

export async function answerQuestion(db: DbOrTx, id: string, answer: Prisma.InputJsonValue): Promise<void> {
  await db.engineQuestion.updateMany({ where: { id, answeredAt: null }, data: { answer, answeredAt: new Date() } })
  await notify(db, 'sluice_cache', 'answer')
}
