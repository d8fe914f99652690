import { describe, expect, it } from 'vitest'
import { fetchCommand } from './fetch-command.ts'

describe('fetchCommand', () => {
  it('names the endpoint of a store that is not AWS', () => {
    expect(
      fetchCommand({ bucket: 'sluice', key: 'a/b.tar', endpoint: 'http://127.0.0.1:9000', region: 'us-east-1' }),
    ).toBe('aws s3 cp s3://sluice/a/b.tar . --endpoint-url http://127.0.0.1:9000 --region us-east-1')
  })

  it('leaves the endpoint of AWS out', () => {
    expect(
      fetchCommand({
        bucket: 'media',
        key: 'a',
        endpoint: 'https://s3.eu-central-1.amazonaws.com',
        region: 'eu-central-1',
      }),
    ).toBe('aws s3 cp s3://media/a . --region eu-central-1')
  })

  it('keeps the shell from reading a key', () => {
    expect(
      fetchCommand({ bucket: 'm', key: "it's $(rm) here", endpoint: 'https://s3.amazonaws.com', region: 'auto' }),
    ).toBe(`aws s3 cp 's3://m/it'\\''s $(rm) here' .`)
  })
})
