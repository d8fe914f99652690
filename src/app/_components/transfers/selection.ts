/**
 * The selection after a click on a row's tick. With shift held, all rows from the last clicked one to this one take the state
 * this one gets; a last row that is gone counts as this one.
 */
export function toggleSelection(
  selected: ReadonlySet<string>,
  order: readonly string[],
  id: string,
  options: { shift: boolean; lastId: string | null },
): Set<string> {
  const next = new Set(selected)
  const select = !selected.has(id)
  const here = order.indexOf(id)
  const last = options.shift && options.lastId !== null ? order.indexOf(options.lastId) : here
  const [from, to] = last < 0 ? [here, here] : [Math.min(here, last), Math.max(here, last)]
  for (const each of here < 0 ? [id] : order.slice(from, to + 1)) {
    if (select) next.add(each)
    else next.delete(each)
  }
  return next
}

/** What the tick above the list shows. */
export function selectionState(selected: ReadonlySet<string>, order: readonly string[]): boolean | 'indeterminate' {
  const count = order.filter((id) => selected.has(id)).length
  if (count === 0) return false
  return count === order.length ? true : 'indeterminate'
}
