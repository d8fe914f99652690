import { handleTrpc } from '../../../../server/api/handle-trpc.ts'

export const dynamic = 'force-dynamic'

// Wrapped, because Next hands a second argument that is not for the handler.
const handle = (request: Request) => handleTrpc(request)

export { handle as GET, handle as POST }
