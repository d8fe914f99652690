import type { TransferView } from '../../src/server/domain/transfer.ts'
import { evidenceWords, limitWords, restsOn, SOURCE_NOT_PINNED } from '../../src/server/domain/verification-words.ts'

/** What `npm run verify` ends with. */
export const EXIT_CODES = { verified: 0, mismatch: 1, sizeOnly: 2, unknown: 3, usage: 64 } as const

/** The verdict on a transfer as lines for a terminal, both sides of every comparison, and the exit code that goes with it. */
export function verdictLines(transfer: Pick<TransferView, 'id' | 'key' | 'bucketName' | 'verification'>): {
  lines: string[]
  exitCode: number
} {
  const { verification } = transfer
  const where = `${transfer.bucketName}: ${transfer.key}`
  if (!verification || verification.verdict === 'pending')
    return { lines: [`${where} has not been verified yet.`], exitCode: EXIT_CODES.unknown }
  const exitCode = {
    verified: EXIT_CODES.verified,
    mismatch: EXIT_CODES.mismatch,
    'size-only': EXIT_CODES.sizeOnly,
  }[verification.verdict]
  const basis = verification.verdict === 'mismatch' ? '' : `: ${restsOn(verification)}`
  const isPinned = !verification.evidence.some(({ kind }) => kind === SOURCE_NOT_PINNED)
  const lines = [where, verification.verdict === 'size-only' ? 'size only' : `${verification.verdict}${basis}`]
  for (const evidence of verification.evidence) {
    const { expected, actual } = evidence
    const isOneSided = expected === undefined || actual === undefined
    const isEqual = expected === actual
    const sides = isOneSided || isEqual ? (actual ?? expected) : `${actual}, expected ${expected}`
    const mark = isOneSided ? ' ' : isEqual ? '=' : '!'
    lines.push(
      `  ${mark} ${evidenceWords(evidence)}  ${sides ?? ''}${evidence.kind === 'size' ? ' bytes' : ''}`.trimEnd(),
    )
  }
  if (verification.verdict === 'size-only' && !isPinned)
    lines.push(`${limitWords(verification)}. An expected checksum, given with the transfer, would tell.`)
  else if (verification.verdict === 'size-only')
    lines.push('Nothing but the length could be compared. `--reread` reads the object back and compares its bytes.')
  if (verification.verdict === 'mismatch') lines.push('The object is not what it should be. Do not use it.')
  return { lines, exitCode }
}
