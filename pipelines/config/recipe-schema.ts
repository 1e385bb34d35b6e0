import { z } from 'zod'
import { Recipe } from '../stages/recipe.ts'

const Node = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
})

/** The JSON Schema of recipes: what editors complete from, and where error messages look up what is allowed. */
export const recipeJsonSchema: Readonly<Record<string, unknown>> = withExtends(
  z.toJSONSchema(Recipe, { io: 'input', unrepresentable: 'any' }),
)

// A file that extends others need not say what they say. The recipe that is checked holds what all of them say together.
function withExtends({ properties, required, ...schema }: z.core.JSONSchema.JSONSchema): Record<string, unknown> {
  const extending = {
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    description: 'Files whose content this recipe adds to and overrides, relative to it',
  }
  return {
    ...schema,
    properties: { ...properties, extends: extending },
    anyOf: [{ required: required ?? [] }, { required: ['extends'] }],
  }
}

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
