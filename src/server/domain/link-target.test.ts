import { describe, expect, test } from 'vitest'
import { linkTarget } from './link-target.ts'

describe('a path as it is written into a link', () => {
  test.each([
    ['videos/film.mp4', 'videos/film.mp4'],
    ['/videos/film.mp4', 'videos/film.mp4'],
    ['a film.mp4', 'a%20film.mp4'],
    ['take #3.mov', 'take%20%233.mov'],
    ['is it?v=2 a', 'is%20it?v=2%20a'],
    ['is it%3F.mov', 'is%20it%3F.mov'],
    ['100% done.txt', '100%25%20done.txt'],
    ['done 100%', 'done%20100%25'],
    ['already%20encoded%2Fslash', 'already%20encoded%2Fslash'],
    ['späte Äpfel.txt', 'sp%C3%A4te%20%C3%84pfel.txt'],
    ['a\\b.txt', 'a%5Cb.txt'],
    ['2026:10/a.txt', '2026:10/a.txt'],
    ['../up.txt', 'up.txt'],
    ['folder/', 'folder/'],
    ['?list', '?list'],
  ])('%j becomes %j, which stays so', (path, target) => {
    expect(linkTarget(path)).toBe(target)
    expect(linkTarget(target)).toBe(target)
    // What a browser makes of the link is the same.
    expect(new URL(`https://engine.example.org/o/films/${target}`).href).toBe(
      `https://engine.example.org/o/films/${target}`,
    )
  })

  test.each(['', '/', '///', 'https://files.example.org/a.mp4', '..'])('%j names no file', (path) => {
    expect(linkTarget(path)).toBeNull()
  })
})
