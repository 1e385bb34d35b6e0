import { describe, expect, test } from 'vitest'
import { bucketOf, canonicalJson, hashOf, recordId } from '../../../pipelines/core/hash.ts'

describe('canonical JSON', () => {
  test('is the same whatever order a value was built in', () => {
    expect(canonicalJson({ b: 1, a: [{ d: 2, c: null }] })).toBe('{"a":[{"c":null,"d":2}],"b":1}')
    expect(hashOf({ a: 1, b: 2 })).toBe(hashOf({ b: 2, a: 1 }))
  })

  test('leaves out absent values, so that an option that is not given does not change a hash', () => {
    expect(canonicalJson({ a: 1, b: undefined })).toBe('{"a":1}')
  })

  test('refuses numbers that JSON would turn into null', () => {
    expect(() => canonicalJson({ score: Number.NaN })).toThrow('NaN')
  })
})

describe('record ids', () => {
  test('depend on content and on nothing else', () => {
    expect(recordId('repository', 'softmax.py')).toBe('36eead9e445bec8b')
    expect(recordId('repository', 'softmax.py')).not.toBe(recordId('repositorysoftmax.py'))
  })

  test('fall into buckets evenly', () => {
    const counts = [0, 0, 0, 0]
    for (let index = 0; index < 4000; index += 1) {
      const bucket = bucketOf(recordId(index), 4)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(900)
  })
})
