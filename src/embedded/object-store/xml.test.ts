import { describe, expect, it } from 'vitest'
import { MAX_XML_BYTES } from './delete-objects.ts'
import { startTestStore } from './testing/test-store.ts'
import { parseXml } from './xml.ts'

const billionLaughs = `<!DOCTYPE Delete [<!ENTITY a "ha">${Array.from(
  { length: 9 },
  (_, index) => `<!ENTITY a${index} "${`&a${index === 0 ? '' : index - 1};`.repeat(10)}">`,
).join('')}]><Delete><Object><Key>&a8;</Key></Object></Delete>`

describe('XML that was made to hurt is refused as malformed', () => {
  it.each([
    ['entities in entities', billionLaughs],
    ['a document type in small letters', billionLaughs.replace('<!DOCTYPE', '<!doctype')],
    ['a document type behind the root', '<Delete><Quiet>true</Quiet></Delete><!DOCTYPE Delete>'],
    ['a file as an entity', '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Delete><Key>&f;</Key></Delete>'],
    ['depth', `<Delete>${'<a>'.repeat(200_000)}${'</a>'.repeat(200_000)}</Delete>`],
    ['what never closes', `<Delete>${'<a>'.repeat(200_000)}`],
    ['nothing but brackets', `<Delete>${'<'.repeat(500_000)}`],
    ['comments in comments', `<Delete>${'<!--'.repeat(200_000)}</Delete>`],
    ['a prototype', '<Delete><__proto__><polluted>1</polluted></__proto__></Delete>'],
    ['a constructor', '<Delete><constructor><prototype><polluted>1</polluted></prototype></constructor></Delete>'],
    ['another root', '<Other><Key>a</Key></Other>'],
    ['nothing', ''],
  ])('%s', (_, body) => {
    expect(() => parseXml(body, 'Delete')).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
    expect('polluted' in {}).toBe(false)
  })

  it('an entity that nobody declared stays as it is written', () => {
    expect(parseXml('<Delete><Key>&a;&amp;&#65;</Key></Delete>', 'Delete')).toEqual({ Key: '&a;&A' })
  })

  it('and a body that is too large is refused by its length', async () => {
    const store = await startTestStore()
    try {
      const body = Buffer.alloc(MAX_XML_BYTES + 1, ' ')
      expect(await store.send('POST', '/box?delete', { body })).toMatchObject({ status: 400, code: 'EntityTooLarge' })
    } finally {
      await store.close()
    }
  })
})
