import { expect, test } from 'vitest'
import { inlineHeaders } from '../../../extractors/python/header-inlining.ts'

test('a header that both branches of a choice include is there whichever is taken, and once', () => {
  const files = new Map([
    ['a.cu', '#ifdef USE_OTHER\n#include "other.h"\n#else\n#include "own.h"\n#endif\n#include "types.h"\nint end;\n'],
    ['other.h', '#pragma once\n#include "types.h"\nint other;\n'],
    ['own.h', '#pragma once\n#include "types.h"\nint own;\n'],
    ['types.h', '#pragma once\nint types;\n'],
  ])
  const { sources, used } = inlineHeaders(files, ['a.cu'])
  expect(used).toEqual(['a.cu', 'other.h', 'own.h', 'types.h'])
  const types = '#ifndef INLINED_types_h\n#define INLINED_types_h\nint types;\n#endif'
  const choice = (name: string): string =>
    `#ifndef INLINED_${name}_h\n#define INLINED_${name}_h\n${types}\nint ${name};\n#endif`
  expect(sources[0]?.text).toBe(
    `#ifdef USE_OTHER\n${choice('other')}\n#else\n${choice('own')}\n#endif\n${types}\nint end;\n`,
  )
})

test('headers that include the next one in two branches each do not double with every one', () => {
  const next = (at: number): string => `#if A\n#include "${at + 1}.h"\n#else\n#include "${at + 1}.h"\n#endif\n`
  const files = new Map(Array.from({ length: 40 }, (_, at) => [`${at}.h`, next(at)]))
  const { sources } = inlineHeaders(files.set('a.cu', '#include "0.h"\n'), ['a.cu'])
  expect(sources[0]?.text.length).toBeLessThan(100_000)
})
