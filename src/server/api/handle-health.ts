import type { Services } from './context.ts'
import { webServices } from './web-services.ts'

/** `GET /api/health`: 200 while web can use its database, else 503. For load balancers and scripts; it tells nothing else. */
export async function handleHealth(services: Services = webServices()): Promise<Response> {
  const healthy = await answers(services)
  const body = {
    status: healthy ? 'ok' : 'unavailable',
    version: services.version,
    database: healthy ? 'ok' : 'unavailable',
  }
  return Response.json(body, { status: healthy ? 200 : 503, headers: { 'cache-control': 'no-store' } })
}

async function answers(services: Services): Promise<boolean> {
  try {
    await services.db.$queryRaw`SELECT 1`
    return true
  } catch {
    return false
  }
}
