import type { TransferListQuery } from '../../../server/domain/transfer-input.ts'

/** What runs, as the overview asks for it on the server and in the browser. */
export const runningQuery: TransferListQuery = { status: ['running', 'verifying'], limit: 12 }

/** What arrived last. */
export const completedQuery: TransferListQuery = { status: 'completed', limit: 5 }

/** The latest failures. */
export const failedQuery: TransferListQuery = { status: 'failed', limit: 5 }
