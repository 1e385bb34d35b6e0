/** What a template or path reads from a row: text, or null where it is absent, or what is wrong. */
export interface ReadText {
  readonly text: string | null
  readonly problem: string | null
}

/**
 * The text of a template for a row: `{path}` stands for a column, dots reach into nested values and negative numbers count
 * from the end of a list (`{messages.-1.content}`); `{path|and}` joins a list of texts, and `{path?}` may be
 * absent where others must not. Null where any column is absent or null. `figures`: whether numbers of any kind and truth values
 * are text as well.
 */
export function fillTemplate(
  row: Record<string, unknown>,
  template: string,
  { figures = false }: { readonly figures?: boolean } = {},
): ReadText {
  const parts: string[] = []
  for (const part of splitTemplate(template)) {
    if (typeof part === 'string') {
      parts.push(part)
      continue
    }
    const read = textAt(row, part.path, figures)
    if (read.text === null) return read
    parts.push(read.text)
  }
  return { text: parts.join(''), problem: null }
}

/** The paths that a template reads. */
export function pathsOf(template: string): string[] {
  return splitTemplate(template).flatMap((part) => (typeof part === 'string' ? [] : [withoutMark(part.path)]))
}

function splitTemplate(template: string): (string | { readonly path: string })[] {
  return template.split(/(\{[^{}]+\})/).flatMap((part): (string | { readonly path: string })[] => {
    if (part === '') return []
    return part.startsWith('{') && part.endsWith('}') ? [{ path: part.slice(1, -1) }] : [part]
  })
}

// Ids are often whole numbers in the file; every other type is a wrong mapping that must be seen.
function textAt(row: Record<string, unknown>, written: string, figures: boolean): ReadText {
  const path = withoutMark(written)
  const value = lookUp(row, path)
  if (value === undefined || value === null) return { text: null, problem: null }
  if (typeof value === 'string') return { text: value, problem: null }
  if (written.endsWith(JOIN) && Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return { text: value.length === 0 ? null : value.join(' AND '), problem: null }
  }
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
    return { text: value.toString(), problem: null }
  }
  if (figures && (typeof value === 'number' || typeof value === 'boolean'))
    return { text: String(value), problem: null }
  return { text: null, problem: `the column ${path} holds ${typeName(value)}, not text` }
}

/** Whether a template may stand for nothing although its place asks for something. */
export function isOptional(template: string): boolean {
  return template.endsWith('?}')
}

function withoutMark(path: string): string {
  return path.endsWith(JOIN) ? path.slice(0, -JOIN.length) : path.replace(/\?$/, '')
}

const JOIN = '|and'

/** The value at a path of a row; a column whose own name has dots goes first. Undefined where there is none. */
export function lookUp(row: Record<string, unknown>, path: string): unknown {
  return Object.hasOwn(row, path) ? row[path] : valueAt(row, path.split('.'))
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    return /^-?\d+$/.test(key) ? valueAt(items.at(Number(key)), rest) : undefined
  }
  if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
  return valueAt(value[key], rest)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value is, for people. */
export function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a value of the type ${typeof value}`
}
