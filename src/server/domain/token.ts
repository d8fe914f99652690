import { z } from 'zod'

/** `tokens.create`. */
export const tokenInputSchema = z.object({
  name: z
    .string()
    .trim()
    .min(1, 'Give the token a name that says what uses it, such as nightly-backup.')
    .max(64, 'A name has at most 64 characters.'),
  expiresAt: z
    .date()
    .refine((at) => at.getTime() > Date.now(), 'The expiry is in the past. Choose a later day, or none.')
    .optional(),
})
export type TokenInput = z.infer<typeof tokenInputSchema>

/** An API token as the pages show it: the token itself is never kept. */
export interface TokenView {
  id: string
  name: string
  /** Its last four characters. */
  hint: string
  createdAt: Date
  lastUsedAt: Date | null
  expiresAt: Date | null
  revokedAt: Date | null
}
