import { describe, expect, it } from 'vitest'
import { compareHref, MOST_COMPARED, readCompareIds } from './compare-params.ts'

const id = (number: number) => `0193a000-0000-7000-8000-${String(number).padStart(12, '0')}`

describe('the address of a comparison', () => {
  it('keeps the runs and their order', () => {
    const ids = [id(2), id(1), id(3)]
    expect(readCompareIds(new URLSearchParams(compareHref(ids).split('?')[1]).get('ids'))).toEqual(ids)
  })

  it('leaves out what is no id, comes twice, or is too many', () => {
    expect(readCompareIds(`x,${id(1)},,${id(1)}, ${id(2)}`)).toEqual([id(1), id(2)])
    expect(readCompareIds(Array.from({ length: 30 }, (_, number) => id(number)).join(','))).toHaveLength(MOST_COMPARED)
    expect(readCompareIds(null)).toEqual([])
  })
})
