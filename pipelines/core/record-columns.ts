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

const PROPERTY = z.looseObject({
  description: z.string().optional(),
  type: z.string().optional(),
  anyOf: z.array(z.looseObject({ type: z.string().optional() })).optional(),
})
type Property = z.infer<typeof PROPERTY>
const OBJECT = z.looseObject({
  properties: z.record(z.string(), PROPERTY),
  required: z.array(z.string()).default([]),
})

function isNullable(property: Property): boolean {
  return property.anyOf?.some((option) => option.type === 'null') ?? false
}

function columnTypeOf(property: Property): ColumnType {
  const options = (property.anyOf ?? []).filter((option) => option.type !== 'null')
  const type = property.type ?? (options.length === 1 ? options[0]?.type : undefined)
  if (type === 'string' || type === 'boolean') return type
  if (type === 'integer') return 'int64'
  if (type === 'number') return 'double'
  return 'json'
}
