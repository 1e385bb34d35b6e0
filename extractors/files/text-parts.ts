import { extname } from 'node:path'
import { cppStrings } from './cpp-strings.ts'
import { notebookParts } from './notebook.ts'
import { pythonStrings } from './python-strings.ts'

/** Text in one programming language, and where it stands in its file. */
export interface TextPart {
  /** What a file that held just this text would end in: `.py`, `.cu`. */
  readonly extension: string
  readonly text: string
  /** Whether it is the file itself, a part of one, or the value of a string in a program. */
  readonly kind: 'file' | 'cells' | 'string'
  /** Where a line of the text stands, both from 1. */
  readonly placeOf: (line: number) => TextPlace
}

/** A place in a file. */
export interface TextPlace {
  /** From 1. */
  readonly line: number
  /** Index of the notebook's cell, from 0; null outside of notebooks. */
  readonly cell: number | null
}

/**
 * The texts a file holds: itself, the code cells of a notebook, and the device code that Python and C++ programs carry in strings
 * for a compiler to read when they run (`load_inline`, NVRTC, Metal and OpenCL libraries). Null for a notebook that is none.
 */
export async function textParts(path: string, text: string): Promise<TextPart[] | null> {
  const extension = extname(path)
  const placeOf = (line: number): TextPlace => ({ line, cell: null })
  const own: readonly TextPart[] | null =
    extension === '.ipynb' ? notebookParts(text) : [{ extension, text, kind: 'file', placeOf }]
  if (own === null) return null
  const strings = await Promise.all(own.map((part) => stringsIn(part)))
  return [...own, ...strings.flat()]
}

/** The endings of files that may hold text which a file with one of these endings would. */
export function endingsThatHold(extensions: ReadonlySet<string>): Set<string> {
  const inStrings = DEVICE_TEXTS.some(({ extension }) => extensions.has(extension))
  const inNotebooks = inStrings || extensions.has('.py')
  const holders = [...(inNotebooks ? ['.ipynb'] : []), ...(inStrings ? ['.py', ...CPP] : [])]
  return new Set([...extensions, ...holders])
}

const CPP = ['.cu', '.cuh', '.cpp', '.cc', '.cxx', '.h', '.hpp', '.hh', '.hxx', '.inl', '.inc', '.mm']

// The words that no text without a kernel of the language has, and that are there in any with one.
const DEVICE_TEXTS: readonly { readonly extension: string; readonly mark: RegExp }[] = [
  { extension: '.cu', mark: /\b__global__\s/ },
  { extension: '.metal', mark: /\bkernel\s+void\b[^{}]*\[\[\s*(?:buffer|thread_position_in_grid)\b/ },
  { extension: '.cl', mark: /\b__kernel\s+void\b/ },
]

async function stringsIn(part: TextPart): Promise<TextPart[]> {
  const isPython = part.extension === '.py'
  if (!isPython && !CPP.includes(part.extension)) return []
  const wanted = DEVICE_TEXTS.filter(({ mark }) => mark.test(part.text))
  if (wanted.length === 0) return []
  const strings = isPython ? await pythonStrings(part.text) : cppStrings(part.text)
  return strings.flatMap(({ text, lines }) =>
    wanted
      .filter(({ mark }) => mark.test(text))
      .map(({ extension }) => ({
        extension,
        text,
        kind: 'string' as const,
        placeOf: (line: number) => part.placeOf(lines[line - 1] ?? lines.at(-1) ?? 1),
      })),
  )
}
