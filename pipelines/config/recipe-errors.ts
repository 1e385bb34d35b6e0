import { isMap } from 'yaml'
import type { Document } from 'yaml'
import type { z } from 'zod'
import { CurateError } from '../core/errors.ts'
import { nearestName } from './nearest-name.ts'
import type { Override } from './overrides.ts'
import type { RecipeFile } from './recipe-files.ts'
import { allowedKeysAt } from './recipe-schema.ts'

/** What a recipe was read from, for saying where something is wrong. */
export interface CheckedText {
  /** Its own file first, then those it extends. */
  readonly files: readonly RecipeFile[]
  readonly overrides: readonly Override[]
  /** What the files and the overrides say together. */
  readonly value: unknown
}

/** All that is wrong with a recipe as one error: file, line, key, what is allowed, and the nearest name. */
export function recipeError(issues: readonly z.core.$ZodIssue[], text: CheckedText): CurateError {
  const problems = issues.flatMap((issue) => describeIssue(issue, text))
  const noun = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`
  return new CurateError('bad_recipe', `the recipe has ${noun}:\n${problems.join('\n')}`, {
    hint: 'Correct the lines above; `curate list` shows every plug-in with its options.',
  })
}

function describeIssue(issue: z.core.$ZodIssue, text: CheckedText): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${position([...issue.path, key], text)}: unknown key${suggestion(key, issue.path)}`)
  }
  if (issue.code === 'invalid_value' && issue.values.length > 0) {
    const values = issue.values.map(String)
    const given = String(valueAt(issue.path, text))
    const nearest = nearestName(given, values)
    const guess = nearest === null ? '' : `; did you mean \`${nearest}\`?`
    return [`${position(issue.path, text)}: \`${given}\` is not allowed; allowed: ${values.join(', ')}${guess}`]
  }
  if (issue.code === 'invalid_type') return [`${position(issue.path, text)}: ${describeType(issue, text)}`]
  const value = issue.code === 'custom' ? '' : given(issue, text)
  return [`${position(issue.path, text)}: ${issue.message}${value}`]
}

function describeType(issue: z.core.$ZodIssueInvalidType, text: CheckedText): string {
  const value = valueAt(issue.path, text)
  if (value === undefined) return `missing; it must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`
  const quotes =
    issue.expected === 'string' && typeof value === 'number' ? '; YAML reads it as a number, so put it in quotes' : ''
  return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}${given(issue, text)}${quotes}`
}

const TYPE_WORDS: Record<string, string> = {
  object: 'a mapping of keys and values',
  record: 'a mapping of keys and values',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

function suggestion(key: string, path: readonly PropertyKey[]): string {
  const allowed = allowedKeysAt(path)
  if (allowed === null) return ''
  const nearest = nearestName(key, allowed)
  const guess = nearest === null ? '' : `; did you mean \`${nearest}\`?`
  return `; allowed here: ${allowed.join(', ')}${guess}`
}

function given(issue: z.core.$ZodIssue, text: CheckedText): string {
  const value = valueAt(issue.path, text)
  if (value === undefined || typeof value === 'object') return ''
  return `, but it is ${JSON.stringify(value)}`
}

function valueAt(path: readonly PropertyKey[], { value }: Pick<CheckedText, 'value'>): unknown {
  return path.reduce<unknown>((node, key) => {
    const entry = Object.entries(node ?? {}).find(([name]) => name === String(key))
    return typeof node === 'object' ? entry?.[1] : undefined
  }, value)
}

function overrideOf(path: readonly PropertyKey[], text: CheckedText): Override | undefined {
  return text.overrides.findLast(({ path: set }) => set.every((key, index) => key === String(path[index] ?? '')))
}

// The nearest enclosing node that the file has: a missing key is reported at the section that lacks it.
function position(path: readonly PropertyKey[], text: CheckedText): string {
  const name = path.map(String).join('.') || 'recipe'
  const override = overrideOf(path, text)
  if (override !== undefined) return `--set ${override.text}: ${name}`
  for (let length = path.length; length >= 0; length -= 1) {
    for (const file of text.files) {
      const offset = offsetOf(pathInFile(path.slice(0, length), text, file), file.document)
      if (offset === null) continue
      const { line, col } = file.lines.linePos(offset)
      return `${file.path}:${line}:${col}: ${name}`
    }
  }
  return `${text.files[0]?.path ?? ''}: ${name}`
}

// An entry of a list that several files add to stands elsewhere in each of them; its id tells which one it is.
function pathInFile(path: readonly PropertyKey[], text: CheckedText, { document }: RecipeFile): PropertyKey[] {
  const own: PropertyKey[] = []
  for (const [depth, key] of path.entries()) {
    const id = typeof key === 'number' ? idOf(valueAt(path.slice(0, depth + 1), text)) : null
    const list: unknown = id === null || own.length === 0 ? null : document.getIn(own.map(String), true)
    const items = hasItems(list) ? list.items : []
    const index = items.findIndex((item) => idAt(item) === id)
    const isSame = typeof key === 'number' && idAt(items[key]) === id
    own.push(id === null || isSame || text.files.length === 1 ? key : index)
  }
  return own
}

function idAt(item: unknown): unknown {
  return isMap(item) ? item.get('id') : null
}

function idOf(value: unknown): string | null {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' ? value.id : null
}

function offsetOf(path: readonly PropertyKey[], document: Document): number | null {
  const parent: unknown = path.length === 0 ? document.contents : document.getIn(path.slice(0, -1).map(String), true)
  const key = path.at(-1)
  if (key !== undefined && hasItems(parent)) {
    const pair = parent.items.find((item) => keyText(item) === String(key))
    const start = rangeStart(isPair(pair) ? pair.key : null)
    if (start !== null) return start
  }
  return rangeStart(path.length === 0 ? document.contents : document.getIn(path.map(String), true))
}

function hasItems(node: unknown): node is { items: unknown[] } {
  return typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)
}

function isPair(item: unknown): item is { key: unknown } {
  return typeof item === 'object' && item !== null && 'key' in item
}

function keyText(item: unknown): string | null {
  if (!isPair(item)) return null
  const { key } = item
  return typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : null
}

function rangeStart(node: unknown): number | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null
  const start: unknown = node.range[0]
  return typeof start === 'number' ? start : null
}
