import { z } from 'zod'

const issuesSchema = z.object({
  data: z.object({ issues: z.array(z.object({ path: z.string(), message: z.string() })) }),
})

/** What the API found wrong with each field of an input, by path; empty where the error is another one. */
export function issuesOf(error: unknown): { path: string; message: string }[] {
  return issuesSchema.safeParse(error).data?.data.issues ?? []
}
