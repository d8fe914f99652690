import { handleHealth } from '../../../server/api/handle-health.ts'

export const dynamic = 'force-dynamic'

export const GET = () => handleHealth()
