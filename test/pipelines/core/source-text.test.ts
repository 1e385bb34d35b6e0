import { describe, expect, it } from 'vitest'
import { normalizeSource } from '../../../pipelines/core/source-text.ts'

const SAME: readonly { language: string; why: string; a: string; b: string }[] = [
  { language: 'triton', why: 'comments', a: 'x = 1  # one\n# two\ny = 2\n', b: 'x = 1\ny = 2' },
  { language: 'triton', why: 'blank lines and line ends', a: 'x = 1\r\n\r\n\r\ny = 2\r\n', b: 'x = 1\ny = 2\n' },
  { language: 'triton', why: 'spacing', a: 'f( a,b )*2', b: 'f(a, b) * 2' },
  {
    language: 'triton',
    why: 'indentation width',
    a: 'if a:\n  if b:\n    c\n  d\n',
    b: 'if a:\n\tif b:\n\t\tc\n\td\n',
  },
  { language: 'triton', why: 'breaks inside brackets', a: 'f(\n    a,  # first\n    b\n)\n', b: 'f(a, b)' },
  { language: 'triton', why: 'continued lines', a: 'x = 1 + \\\n    2\n', b: 'x = 1 + 2\n' },
  { language: 'gluon', why: 'comments', a: 'x = 1  # one\ny = 2\n', b: 'x = 1\ny = 2' },
  { language: 'tilelang', why: 'comments', a: 'x = 1  # one\ny = 2\n', b: 'x = 1\ny = 2' },
  { language: 'cutile', why: 'comments', a: 'x = 1  # one\ny = 2\n', b: 'x = 1\ny = 2' },
  { language: 'cute-dsl', why: 'comments', a: 'x = 1  # one\ny = 2\n', b: 'x = 1\ny = 2' },
  { language: 'cuda', why: 'comments', a: 'int a; // one\n/* two\n */ int b;', b: 'int a; int b;' },
  {
    language: 'cuda',
    why: 'comments continued by a backslash',
    a: 'int a; // one \\\n int c;\nint b;',
    b: 'int a;int b;',
  },
  { language: 'cuda', why: 'line breaks', a: 'f<<<g,\n b>>>(x);', b: 'f<<<g, b>>>(x);' },
  { language: 'cpp', why: 'closing template lists', a: 'A<B<int>> x;', b: 'A<B<int> > x;' },
  {
    language: 'cpp',
    why: 'continued directives',
    a: '#define F(x) \\\n  (x)\nint a;',
    b: '# define F(x) (x)\nint a ;',
  },
]

const DIFFERENT: readonly { language: string; why: string; a: string; b: string }[] = [
  { language: 'triton', why: 'a hash inside a string', a: 's = "#include a"', b: 's = "#include b"' },
  { language: 'triton', why: 'spaces inside a string', a: "s = 'a  b'", b: "s = 'a b'" },
  { language: 'triton', why: 'a triple-quoted string', a: 's = """x # 1\n"""', b: 's = """x # 2\n"""' },
  { language: 'triton', why: 'an escaped quote', a: String.raw`s = "\" # a"`, b: String.raw`s = "\" # b"` },
  { language: 'triton', why: 'the block a line is in', a: 'if a:\n  b\n  c\n', b: 'if a:\n  b\nc\n' },
  { language: 'triton', why: 'a name', a: 'xy = 1', b: 'x = 1' },
  { language: 'cuda', why: 'slashes inside a string', a: 'f("//a");', b: 'f("//b");' },
  { language: 'cuda', why: 'a raw string', a: 'f(R"q(/*a*/)q");', b: 'f(R"q(/*b*/)q");' },
  { language: 'cpp', why: 'operators that touch', a: 'a + +b', b: 'a ++b' },
  { language: 'cpp', why: 'where a directive ends', a: '#define A\nint b;', b: '#define A int b;' },
  { language: 'cpp', why: 'words that touch', a: 'int a;', b: 'inta;' },
  { language: 'cpp', why: 'digits behind a separator', a: "int a = 1'000; // x", b: "int a = 1'001; // x" },
]

describe('normalizeSource', () => {
  it.each(SAME)('gives $language the same text whatever its $why', ({ language, a, b }) => {
    expect(normalizeSource(a, language)).toBe(normalizeSource(b, language))
  })

  it.each(DIFFERENT)('keeps apart $language that differs in $why', ({ language, a, b }) => {
    expect(normalizeSource(a, language)).not.toBe(normalizeSource(b, language))
  })

  it.each(['triton', 'cuda'])('changes nothing the second time (%s)', (language) => {
    const text = 'if a :\n    f( "x # y" , 1 ) // 2\n    b\nc\n'
    const once = normalizeSource(text, language)
    expect(normalizeSource(once, language)).toBe(once)
  })

  it.each(['"""', '/*', "'", 'R"x(', '\\', '((((', '#\\\n', '\ud800'])('ends on text that never closes %j', (piece) => {
    const text = piece.repeat(100_000)
    for (const language of ['triton', 'cuda']) expect(normalizeSource(text, language).length).toBeLessThan(1_000_000)
  })
})
