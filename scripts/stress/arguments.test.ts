import { describe, expect, it } from 'vitest'
import { MIB } from '../../src/server/domain/bytes.ts'
import { ArgumentError } from '../runner/command-words.ts'
import { readStressArguments } from './arguments.ts'

const read = (text: string) => readStressArguments(text.split(' ').filter(Boolean), ['soak', 'chaos'])

describe('the words behind npm run stress', () => {
  it('stand for a soak with its defaults where there are none', () => {
    expect(read('')).toEqual({
      name: 'soak',
      store: 'embedded',
      leaseMs: null,
      minutes: null,
      kills: null,
      seed: null,
      maxSizeBytes: null,
      schedules: false,
      quick: false,
      fresh: false,
    })
  })

  it('name a run and its bounds', () => {
    const wanted = read(
      'chaos --kills 200 --minutes 25 --seed 7 --size 64MiB --quick --lease 5000 --store ceph --schedules',
    )
    expect(wanted).toMatchObject({
      name: 'chaos',
      store: 'ceph',
      schedules: true,
      leaseMs: 5000,
      kills: 200,
      minutes: 25,
      seed: 7,
      maxSizeBytes: 64 * MIB,
      quick: true,
    })
  })

  it.each(['storm', 'soak chaos', '--minutes 0', '--minutes x', '--kills 1.5', '--store minio', '--size 1', '--what'])(
    'are refused with a sentence: %s',
    (text) => {
      expect(() => read(text)).toThrow(ArgumentError)
    },
  )
})
