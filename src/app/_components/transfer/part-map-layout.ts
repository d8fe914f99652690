/** Where the cells of the part map lie. Cells go row by row; each stands for `partsPerCell` parts (the last may for fewer). */
export interface PartGrid {
  partsTotal: number
  partsPerCell: number
  cells: number
  columns: number
  rows: number
  pitchXPx: number
  pitchYPx: number
  gapPx: number
  heightPx: number
}

const BAR_HEIGHT_PX = 28
const CELL_PX = 9
const MOST_ROWS = 18

/**
 * One bar of tall cells while each part can have 4 px of it; then rows of small squares; and where 18 rows would not do, several
 * parts to a cell. So the height is bounded at any number of parts, from 1 to 10,000.
 */
export function layOutParts(partsTotal: number, widthPx: number): PartGrid {
  const width = Math.max(40, widthPx)
  if (partsTotal * 4 <= width) {
    const pitchXPx = width / Math.max(1, partsTotal)
    return {
      partsTotal,
      partsPerCell: 1,
      cells: partsTotal,
      columns: Math.max(1, partsTotal),
      rows: 1,
      pitchXPx,
      pitchYPx: BAR_HEIGHT_PX,
      gapPx: pitchXPx >= 8 ? 2 : 1,
      heightPx: BAR_HEIGHT_PX,
    }
  }
  const columns = Math.floor(width / CELL_PX)
  const partsPerCell = Math.ceil(partsTotal / (columns * MOST_ROWS))
  const cells = Math.ceil(partsTotal / partsPerCell)
  const rows = Math.ceil(cells / columns)
  return {
    partsTotal,
    partsPerCell,
    cells,
    columns,
    rows,
    pitchXPx: width / columns,
    pitchYPx: rows === 1 ? BAR_HEIGHT_PX : CELL_PX,
    gapPx: 1,
    heightPx: rows === 1 ? BAR_HEIGHT_PX : rows * CELL_PX,
  }
}

/** The parts of a cell as numbers from 1, [first, end). */
export function partsOfCell(grid: PartGrid, cell: number): { first: number; end: number } {
  const first = cell * grid.partsPerCell + 1
  return { first, end: Math.min(grid.partsTotal + 1, first + grid.partsPerCell) }
}

/** The part under a point of the map, or null beside the cells. */
export function partAt(grid: PartGrid, xPx: number, yPx: number): number | null {
  const column = Math.floor(xPx / grid.pitchXPx)
  const row = Math.floor(yPx / grid.pitchYPx)
  if (column < 0 || column >= grid.columns || row < 0 || row >= grid.rows) return null
  const cell = row * grid.columns + column
  return cell < grid.cells ? partsOfCell(grid, cell).first : null
}

/** The place of a cell in pixels. */
export function cellBox(grid: PartGrid, cell: number): { x: number; y: number; width: number; height: number } {
  return {
    x: (cell % grid.columns) * grid.pitchXPx,
    y: Math.floor(cell / grid.columns) * grid.pitchYPx,
    width: Math.max(1, grid.pitchXPx - grid.gapPx),
    height: Math.max(1, grid.pitchYPx - (grid.rows > 1 ? grid.gapPx : 0)),
  }
}

/** What fills the map, as SVG path data: one path for each engine's finished parts, one for moving ones, one for the ground. */
export interface PartPaths {
  ground: string
  moving: string
  /** By engine id, in order of first appearance; `null` where the engine is unknown. */
  done: { engineId: string | null; path: string }[]
}

/**
 * Paths instead of elements, because 2,000 rectangles a second are slow and three paths are not. A cell of several parts fills
 * from below by the share that is done, in the colour of the engine that did most of it.
 */
export function partPaths(
  grid: PartGrid,
  engineOfPart: ReadonlyMap<number, string | null>,
  movingParts: ReadonlySet<number>,
): PartPaths {
  let ground = ''
  let moving = ''
  const done = new Map<string | null, string>()
  for (let cell = 0; cell < grid.cells; cell++) {
    const box = cellBox(grid, cell)
    const { first, end } = partsOfCell(grid, cell)
    const finishedBy = new Map<string | null, number>()
    let finished = 0
    let moves = false
    for (let number = first; number < end; number++) {
      const engine = engineOfPart.get(number)
      if (engine !== undefined) {
        finished++
        finishedBy.set(engine, (finishedBy.get(engine) ?? 0) + 1)
      } else if (movingParts.has(number)) moves = true
    }
    const engineId = [...finishedBy].reduce((most, one) => (one[1] > most[1] ? one : most), [null, 0] as const)[0]
    const share = finished / (end - first)
    if (share > 0) {
      const height = box.height * share
      done.set(engineId, (done.get(engineId) ?? '') + rectangle(box.x, box.y + box.height - height, box.width, height))
    }
    if (share < 1) {
      const rest = rectangle(box.x, box.y, box.width, box.height * (1 - share))
      if (moves) moving += rest
      else ground += rest
    }
  }
  return { ground, moving, done: [...done].map(([engineId, path]) => ({ engineId, path })) }
}

const rectangle = (x: number, y: number, width: number, height: number) =>
  `M${x.toFixed(2)} ${y.toFixed(2)}h${width.toFixed(2)}v${height.toFixed(2)}h-${width.toFixed(2)}z`
