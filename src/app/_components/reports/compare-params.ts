/** A comparison has at least two runs, and the API takes this many. */
export const MOST_COMPARED = 20

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The runs a comparison's address names, in its order; what is no id is left out, and so is what comes twice or is too many. */
export function readCompareIds(ids: string | null): string[] {
  const given = (ids ?? '').split(',').map((id) => id.trim().toLowerCase())
  return [...new Set(given.filter((id) => UUID.test(id)))].slice(0, MOST_COMPARED)
}

/** The address of a comparison; the first run is what the others are held against. */
export function compareHref(ids: readonly string[]): string {
  return `/reports/compare?ids=${ids.join(',')}`
}
