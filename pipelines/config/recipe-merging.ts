/**
 * What a recipe says together with what it extends. Mappings are merged key by key, and a key that is null is as if it had not been
 * there. Lists of entries that have an `id` (sources, imports) are merged by it, new ones after those that were there. Everything
 * else is replaced.
 */
export function mergeRecipes(base: unknown, over: unknown): unknown {
  if (isEntries(base) && isEntries(over)) return mergeEntries(base, over)
  if (!isMapping(base) || !isMapping(over)) return over
  const keys = [...new Set([...Object.keys(base), ...Object.keys(over)])]
  const merged = keys.map((key): [string, unknown] => {
    if (!Object.hasOwn(over, key)) return [key, base[key]]
    return [key, Object.hasOwn(base, key) ? mergeRecipes(base[key], over[key]) : over[key]]
  })
  return Object.fromEntries(merged.filter(([key, value]) => value !== null || !Object.hasOwn(base, key)))
}

// Two entries of one file with the same id stay two: the check for that has to see them.
function mergeEntries(base: readonly Entry[], over: readonly Entry[]): unknown[] {
  const known = new Set(base.map(({ id }) => id))
  const kept = base.map((entry) => over.filter(({ id }) => id === entry.id).reduce<unknown>(mergeRecipes, entry))
  return [...kept, ...over.filter(({ id }) => !known.has(id))]
}

type Mapping = Readonly<Record<string, unknown>>
type Entry = Mapping & { readonly id: string }

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEntries(value: unknown): value is readonly Entry[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((item) => isMapping(item) && typeof item['id'] === 'string')
  )
}
