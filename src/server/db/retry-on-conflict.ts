import { isWriteConflict } from './database-failure.ts'

const ATTEMPTS = 4

/**
 * Runs a transaction again where Postgres gave it up because of another one (deadlock), with a short, jittered pause. Nothing of the
 * attempt before is left, so this hides no fault; after four attempts the error stands.
 */
export async function retryOnConflict<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (attempt === ATTEMPTS || !isWriteConflict(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt))
    }
  }
}
