import { describe, expect, it } from 'vitest'
import { normalizeChecksum, showChecksum } from './checksum.ts'

describe('normalizeChecksum', () => {
  it('reads hex in any case and base64 with or without padding as the same value', () => {
    const forms = ['e3069283', 'E3069283', '4waSgw==', '4waSgw']
    expect(forms.map((form) => normalizeChecksum('crc32c', form))).toEqual(Array(4).fill('4waSgw=='))
  })

  it('tells hex from base64 by length, so that base64 of hex digits alone is not misread', () => {
    expect(normalizeChecksum('md5', 'abcdefabcdefabcdefabcd==')).toBe('abcdefabcdefabcdefabcd==')
    expect(normalizeChecksum('md5', 'd41d8cd98f00b204e9800998ecf8427e')).toBe('1B2M2Y8AsgTpgAmY7PhCfg==')
  })

  it('is shown as people compare it: hashes in hexadecimal, CRCs as the store writes them', () => {
    expect(showChecksum('md5', '1B2M2Y8AsgTpgAmY7PhCfg==')).toBe('d41d8cd98f00b204e9800998ecf8427e')
    expect(showChecksum('md5', 'D41D8CD98F00B204E9800998ECF8427E')).toBe('d41d8cd98f00b204e9800998ecf8427e')
    expect(showChecksum('crc32c', '4waSgw==')).toBe('4waSgw==')
    expect(showChecksum('sha256', 'no digest')).toBe('no digest')
  })

  it('refuses what is no value of the algorithm', () => {
    expect(normalizeChecksum('sha256', 'd41d8cd98f00b204e9800998ecf8427e')).toBeNull()
    expect(normalizeChecksum('crc32', 'not hex!')).toBeNull()
  })
})
