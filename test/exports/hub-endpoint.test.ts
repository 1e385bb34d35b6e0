import { describe, expect, it } from 'vitest'
import { hubEndpoint } from '../../exports/hub-endpoint.ts'

describe('hubEndpoint', () => {
  it.each([
    [null, null, 'https://huggingface.co'],
    [null, 'https://hub.example.org/', 'https://hub.example.org'],
    ['https://huggingface.co', null, 'https://huggingface.co'],
    ['https://hub-ci.huggingface.co/', null, 'https://hub-ci.huggingface.co'],
    ['http://127.0.0.1:8080', null, 'http://127.0.0.1:8080'],
    ['http://localhost:8080', 'https://hub.example.org', 'http://localhost:8080'],
    ['https://hub.example.org', 'https://hub.example.org/', 'https://hub.example.org'],
  ])('takes %s of the recipe and %s of the user for %s', (ofRecipe, ofUser, expected) => {
    expect(hubEndpoint(ofRecipe, ofUser)).toBe(expected)
  })

  it.each([
    'https://hub.example.org',
    'http://huggingface.co',
    'https://huggingface.co.example.org',
    'https://evilhuggingface.co',
    'http://127.0.0.1.example.org',
  ])('sends no token to %s because a recipe says so', (address) => {
    expect(() => hubEndpoint(address, null)).toThrow('would send your token')
  })

  it.each(['ftp://hub.example.org', 'file:///etc/passwd', 'https://user:secret@huggingface.co', 'nonsense'])(
    'refuses %s, which is no address of a Hub',
    (address) => {
      expect(() => hubEndpoint(null, address)).toThrow('HF_ENDPOINT is no address')
    },
  )
})
