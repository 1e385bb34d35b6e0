import { parse } from 'yaml'
import { messageOf, usageError } from '../core/errors.ts'

/** One `--set key.path=value`. */
export interface Override {
  /** As given on the command line. */
  readonly text: string
  readonly path: readonly string[]
  readonly value: unknown
}

/** Reads `filters.speedup.min=1.2`; the value is YAML, so numbers, lists and null mean what they mean in a recipe. */
export function parseOverride(text: string): Override {
  const equals = text.indexOf('=')
  const path = text.slice(0, Math.max(equals, 0)).split('.')
  if (equals < 1 || path.some((key) => key === '')) {
    throw usageError(`--set ${text}: expected key.path=value`, 'For example: --set filters.speedup.min=1.2')
  }
  try {
    return { text, path, value: parse(text.slice(equals + 1)) }
  } catch (error) {
    throw usageError(`--set ${text}: the value is not YAML: ${messageOf(error)}`, 'Quote it as you would in a recipe.')
  }
}

/** A recipe's value with the overrides applied; sections that are absent are made, list items are named by number. */
export function applyOverrides(recipe: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((value, override) => setAt(value, override.path, override), recipe)
}

function setAt(node: unknown, path: readonly string[], override: Override): unknown {
  const [key, ...rest] = path
  if (key === undefined) return override.value
  if (Array.isArray(node)) {
    const index = Number(key)
    if (!Number.isInteger(index) || index < 0 || index >= node.length) {
      throw usageError(
        `--set ${override.text}: the list has ${node.length} ${node.length === 1 ? 'item' : 'items'}, ${key} is none of them`,
        'Items count from 0.',
      )
    }
    return node.map((item, position) => (position === index ? setAt(item, rest, override) : item))
  }
  if (node !== null && node !== undefined && typeof node !== 'object') {
    throw usageError(`--set ${override.text}: ${key} is inside a plain value`, 'Check the key path against the recipe.')
  }
  const entries = Object.entries(node ?? {})
  const child = entries.find(([name]) => name === key)?.[1]
  const kept = entries.map(([name, item]) => (name === key ? [name, setAt(item, rest, override)] : [name, item]))
  return Object.fromEntries(
    entries.some(([name]) => name === key) ? kept : [...kept, [key, setAt(child, rest, override)]],
  )
}
