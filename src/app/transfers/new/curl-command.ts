import type { TransferInput } from '../../../server/domain/transfer-input.ts'
import { shellQuote } from '../../_components/transfer/shell-quote.ts'

// Only where a token is set, since this machine's own calls need none. Two expansions, because zsh does not split one into two words.
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell that expands these.
const TOKEN_HEADER = '${SLUICE_TOKEN:+-H} ${SLUICE_TOKEN:+"authorization: Bearer $SLUICE_TOKEN"}'

/**
 * What the form does, as a line for a shell: one `transfers.create`, or one `transfers.createMany`. The API speaks superjson: the
 * input stands under `json`, and dates are named under `meta`. The token is read from the environment, never put into the line.
 */
export function curlCommand(origin: string, items: readonly TransferInput[]): string {
  const [only] = items
  const one = items.length === 1 && only
  const path = one ? 'transfers.create' : 'transfers.createMany'
  const body = one ? { json: only, ...dates([['startAt', only.startAt]]) } : many(items)
  return [
    `curl -sS ${shellQuote(`${origin}/api/trpc/${path}`)}`,
    `-H 'content-type: application/json'`,
    TOKEN_HEADER,
    `--data-raw ${shellQuote(JSON.stringify(body))}`,
  ].join(' \\\n  ')
}

function many(items: readonly TransferInput[]) {
  return { json: { items }, ...dates(items.map((item, index) => [`items.${index}.startAt`, item.startAt])) }
}

function dates(values: [path: string, value: Date | undefined][]) {
  const set = values.filter(([, value]) => value !== undefined)
  return set.length === 0 ? {} : { meta: { values: Object.fromEntries(set.map(([path]) => [path, ['Date']])) } }
}
