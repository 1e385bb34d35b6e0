import { z } from 'zod'

/** One documented field inside a JSON column. */
export interface NestedField {
  /** Way to it from the column: `performance.latency_ms`, `checks[].passed`. */
  readonly path: string
  readonly type: string
  readonly nullable: boolean
  readonly meaning: string
}

/** The fields inside the JSON columns of a record, in the order they are declared. */
export function nestedFieldsOf(schema: z.ZodType): NestedField[] {
  const { properties } = NODE.parse(z.toJSONSchema(schema, { io: 'output' }))
  return Object.entries(properties).flatMap(([name, property]) => fieldsBelow(name, property))
}

function fieldsBelow(path: string, node: unknown): NestedField[] {
  return presentKinds(node).flatMap((kind) => {
    if (kind.items !== undefined) return fieldsBelow(`${path}[]`, kind.items)
    return Object.entries(kind.properties).flatMap(([name, property]) => {
      const below = `${path}.${name}`
      return [describeField(below, property), ...fieldsBelow(below, property)]
    })
  })
}

function describeField(path: string, node: unknown): NestedField {
  const { description = '', type, anyOf } = NODE.parse(node)
  const names = [type ?? anyOf.map((option) => NODE.parse(option).type ?? 'object')].flat(2)
  const plain = names.filter((name) => name !== 'null')
  return { path, type: plain.join(' or ') || 'object', nullable: names.includes('null'), meaning: description }
}

// What a value looks like where it is not null.
function presentKinds(node: unknown): z.infer<typeof NODE>[] {
  const kind = NODE.parse(node)
  return kind.anyOf.length === 0 ? [kind] : kind.anyOf.map((option) => NODE.parse(option))
}

const NODE = z.looseObject({
  description: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  anyOf: z.array(z.unknown()).default([]),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
})
