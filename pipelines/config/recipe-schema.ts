import { z } from 'zod'
import { Recipe } from '../stages/recipe.ts'

const Node = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
})

/** The JSON Schema of recipes: what editors complete from, and where error messages look up what is allowed. */
export const recipeJsonSchema: Readonly<Record<string, unknown>> = z.toJSONSchema(Recipe, {
  io: 'input',
  unrepresentable: 'any',
})

/** The keys a recipe may have at a path, or null where the schema has none there. */
export function allowedKeysAt(path: readonly PropertyKey[]): string[] | null {
  let nodes: unknown[] = [recipeJsonSchema]
  for (const key of path) nodes = nodes.flatMap((node) => childrenAt(node, key))
  const keys = nodes.flatMap((node) => alternatives(node)).flatMap((node) => Object.keys(node.properties ?? {}))
  return keys.length === 0 ? null : [...new Set(keys)]
}

function childrenAt(node: unknown, key: PropertyKey): unknown[] {
  return alternatives(node).flatMap((option) => {
    if (typeof key === 'number') return option.items === undefined ? [] : [option.items]
    const property = option.properties?.[String(key)]
    return property === undefined ? [] : [property]
  })
}

function alternatives(node: unknown): z.infer<typeof Node>[] {
  const parsed = Node.safeParse(node)
  if (!parsed.success) return []
  const options = [...(parsed.data.anyOf ?? []), ...(parsed.data.allOf ?? [])]
  return [parsed.data, ...options.flatMap(alternatives)]
}
