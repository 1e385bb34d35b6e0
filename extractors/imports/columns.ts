import type { ImportedOutput } from '../types.ts'

/** Which column of a file holds what; see `ImportEntry` in the recipe. */
export interface ColumnMapping {
  readonly task: string
  readonly code: string
  readonly reasoning: string | null
  readonly generator: string | null
  readonly language: string | null
}

/** A row as the mapping reads it, or why it cannot be read so. */
export type MappedRow =
  | { readonly output: ImportedOutput; readonly reason: null }
  | {
      readonly output: null
      readonly reason: 'not_an_object' | 'missing_value' | 'wrong_type'
      readonly detail: string
    }

/** Applies a column mapping to one row. Task and code must be there; what else is declared may be absent or null. */
export function mapColumns(value: unknown, mapping: ColumnMapping): MappedRow {
  if (!isObject(value)) return failure('not_an_object', `the row is ${typeName(value)}, not an object with columns`)
  const task = textAt(value, mapping.task)
  const code = textAt(value, mapping.code)
  const optional = {
    reasoning: optionalTextAt(value, mapping.reasoning),
    generator: optionalTextAt(value, mapping.generator),
    language: optionalTextAt(value, mapping.language),
  }
  const broken = [task, code, ...Object.values(optional)].find((read) => read.problem !== null)
  if (broken !== undefined) return failure('wrong_type', broken.problem ?? '')
  if (task.text === null) return missing(mapping.task)
  if (code.text === null) return missing(mapping.code)
  const { reasoning, generator, language } = optional
  return {
    output: {
      task: task.text,
      code: code.text,
      reasoning: reasoning.text,
      generator: generator.text,
      language: language.text,
    },
    reason: null,
  }
}

/** The top-level columns that a mapping may read: a path's first part, or a name that itself has dots. */
export function columnsOfMapping(mapping: ColumnMapping): string[] {
  const { task, code, reasoning, generator, language } = mapping
  const paths = [task, code, reasoning, generator, language].filter((path) => path !== null)
  return [...new Set(paths.flatMap((path) => [path, path.split('.')[0] ?? path]))].toSorted()
}

interface ReadText {
  readonly text: string | null
  readonly problem: string | null
}

function optionalTextAt(row: Record<string, unknown>, path: string | null): ReadText {
  return path === null ? { text: null, problem: null } : textAt(row, path)
}

// Ids are often whole numbers in the file; every other type is a wrong mapping that must be seen.
function textAt(row: Record<string, unknown>, path: string): ReadText {
  const value = Object.hasOwn(row, path) ? row[path] : valueAt(row, path.split('.'))
  if (value === undefined || value === null) return { text: null, problem: null }
  if (typeof value === 'string') return { text: value, problem: null }
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
    return { text: value.toString(), problem: null }
  }
  return { text: null, problem: `the column ${path} holds ${typeName(value)}, not text` }
}

// Arrays are entered by index; a negative one counts from the end, as in `messages.-1.content`.
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function missing(path: string): MappedRow {
  return failure('missing_value', `the column ${path} is absent or null`)
}

function failure(reason: 'not_an_object' | 'missing_value' | 'wrong_type', detail: string): MappedRow {
  return { output: null, reason, detail }
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a value of the type ${typeof value}`
}
