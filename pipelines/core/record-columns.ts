import { z } from 'zod'
import type { Column, ColumnType } from './parquet.ts'

/**
 * The Parquet columns of a record, derived from its schema: text, whole numbers, numbers and truth values as such,
 * everything nested as a JSON column.
 */
export function columnsOf(schema: z.ZodType): Column[] {
  const { properties, required } = OBJECT.parse(z.toJSONSchema(schema, { io: 'output' }))
  return Object.entries(properties).map(([name, property]) => ({
    name,
    description: property.description ?? '',
    nullable: isNullable(property) || !required.includes(name),
    type: columnTypeOf(property),
  }))
}

// A nullable value is `type: [T, 'null']` where T is plain, and `anyOf` where it is not.
const TYPE = z.union([z.string(), z.array(z.string())]).optional()
const PROPERTY = z.looseObject({
  description: z.string().optional(),
  type: TYPE,
  anyOf: z.array(z.looseObject({ type: TYPE })).optional(),
})
type Property = z.infer<typeof PROPERTY>
const OBJECT = z.looseObject({
  properties: z.record(z.string(), PROPERTY),
  required: z.array(z.string()).default([]),
})

function isNullable(property: Property): boolean {
  return typesOf(property).includes('null')
}

function columnTypeOf(property: Property): ColumnType {
  const [type, ...others] = typesOf(property).filter((name) => name !== 'null')
  if (others.length > 0) return 'json'
  if (type === 'string' || type === 'boolean') return type
  if (type === 'integer') return 'int64'
  if (type === 'number') return 'double'
  return 'json'
}

function typesOf({ type, anyOf }: Property): string[] {
  if (type !== undefined) return [type].flat()
  return (anyOf ?? []).flatMap((option) => option.type ?? 'object')
}
