import { describe, expect, it } from 'vitest'
import { cellBox, layOutParts, partAt, partPaths, partsOfCell } from './part-map-layout.ts'

const WIDTHS = [320, 358, 720, 1128, 2400]
const COUNTS = [1, 2, 17, 90, 280, 2000, 9999, 10_000]

describe('layOutParts', () => {
  it('has room for every part at every width, at a bounded height', () => {
    for (const width of WIDTHS)
      for (const count of COUNTS) {
        const grid = layOutParts(count, width)
        expect(grid.cells * grid.partsPerCell).toBeGreaterThanOrEqual(count)
        expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(grid.cells)
        expect(grid.heightPx).toBeLessThanOrEqual(170)
        const last = cellBox(grid, grid.cells - 1)
        expect(last.x + last.width).toBeLessThanOrEqual(width + 0.01)
        expect(last.y + last.height).toBeLessThanOrEqual(grid.heightPx)
        expect(last.width).toBeGreaterThanOrEqual(2)
      }
  })

  it('draws one part as one bar and 2,000 parts one by one on a desk screen', () => {
    expect(layOutParts(1, 1128)).toMatchObject({ cells: 1, rows: 1, pitchXPx: 1128 })
    expect(layOutParts(17, 1128)).toMatchObject({ cells: 17, rows: 1 })
    expect(layOutParts(2000, 1128)).toMatchObject({ cells: 2000, partsPerCell: 1 })
  })
})

describe('partsOfCell', () => {
  it('gives the last cell only the parts that are left', () => {
    const grid = layOutParts(10_000, 358)
    expect(partsOfCell(grid, 0)).toEqual({ first: 1, end: 1 + grid.partsPerCell })
    expect(partsOfCell(grid, grid.cells - 1).end).toBe(10_001)
  })
})

describe('partAt', () => {
  it('finds the part whose cell is there, for every cell', () => {
    for (const count of COUNTS) {
      const grid = layOutParts(count, 720)
      for (let cell = 0; cell < grid.cells; cell++) {
        const box = cellBox(grid, cell)
        expect(partAt(grid, box.x + box.width / 2, box.y + box.height / 2)).toBe(partsOfCell(grid, cell).first)
      }
    }
  })

  it('finds none beside the cells', () => {
    const grid = layOutParts(2000, 720)
    expect(partAt(grid, 719, grid.heightPx - 2)).toBeNull()
    expect(partAt(grid, -1, 2)).toBeNull()
  })
})

describe('partPaths', () => {
  it('puts each part into exactly one path, finished ones by engine', () => {
    const grid = layOutParts(4, 100)
    const paths = partPaths(
      grid,
      new Map([
        [1, 'a'],
        [2, 'b'],
      ]),
      new Set([3]),
    )
    expect(paths.done.map(({ engineId, path }) => [engineId, path.match(/M/g)?.length])).toEqual([
      ['a', 1],
      ['b', 1],
    ])
    expect(paths.moving.match(/M/g)).toHaveLength(1)
    expect(paths.ground.match(/M/g)).toHaveLength(1)
  })

  it('gives a cell of several parts to the engine that did most of it', () => {
    const grid = { ...layOutParts(3, 100), partsPerCell: 3, cells: 1, columns: 1 }
    const engines = new Map([1, 2, 3].map((number) => [number, number === 3 ? 'b' : 'a']))
    expect(partPaths(grid, engines, new Set()).done.map(({ engineId }) => engineId)).toEqual(['a'])
  })

  it('fills a cell of several parts from below by the share that is done', () => {
    const grid = { ...layOutParts(2, 100), partsPerCell: 2, cells: 1, columns: 1, pitchXPx: 100 }
    const paths = partPaths(grid, new Map([[1, null]]), new Set())
    expect(paths.done[0]?.path).toContain('M0.00 14.00')
    expect(paths.ground).toContain('v14.00')
  })
})
