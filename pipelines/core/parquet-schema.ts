import type { SchemaElement } from 'hyparquet'

/** The type of a column; nested ones as Parquet's three-level lists and groups. */
export type ColumnType =
  | 'string'
  | 'int64'
  | 'double'
  | 'boolean'
  | 'json'
  | { readonly list: ColumnType }
  | { readonly struct: Readonly<Record<string, ColumnType>> }

/** One column of a table or of a published dataset. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  /** Meaning and unit, as printed in the documentation and the dataset card. */
  readonly description: string
  /** Minimum and maximum in the file; false for long text, which they would only repeat. Default true, for JSON false. */
  readonly statistics?: boolean
}

/** The file's schema in Parquet's own flat form: a root, then each node before its children. */
export function schemaElements(columns: readonly Column[]): SchemaElement[] {
  const children = columns.flatMap((column) => elementsOf(column.name, column.type, column.nullable))
  return [{ name: 'schema', num_children: columns.length }, ...children]
}

/** A value as the writer wants it; throws on a missing required value and on one of another type, naming the column. */
export function toStored(column: Column, value: unknown): unknown {
  if (value === undefined || value === null) {
    if (!column.nullable) throw new TypeError(`column ${column.name} has no value and is not nullable`)
    return null
  }
  return storedValue(column.name, column.type, value)
}

function storedValue(name: string, type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (type === 'json') return value
  if (type === 'int64') return storedInteger(name, value)
  if (typeof type === 'string') return typeof value === PRIMITIVE_TYPES[type] ? value : wrongType(name, type, value)
  if ('list' in type) {
    return Array.isArray(value)
      ? value.map((item) => storedValue(`${name}[]`, type.list, item))
      : wrongType(name, 'list', value)
  }
  if (typeof value !== 'object' || Array.isArray(value)) return wrongType(name, 'struct', value)
  const fields = new Map<string, unknown>(Object.entries(value))
  return Object.fromEntries(
    Object.entries(type.struct).map(([field, fieldType]) => [
      field,
      storedValue(`${name}.${field}`, fieldType, fields.get(field)),
    ]),
  )
}

const PRIMITIVE_TYPES = { string: 'string', double: 'number', boolean: 'boolean' } as const

function storedInteger(name: string, value: unknown): bigint {
  if (Number.isSafeInteger(value)) return BigInt(Number(value))
  if (typeof value === 'bigint' && value === BigInt.asIntN(64, value)) return value
  return wrongType(name, 'int64', value)
}

function wrongType(name: string, type: string, value: unknown): never {
  const found = typeof value === 'number' || typeof value === 'bigint' ? String(value) : typeof value
  throw new TypeError(`column ${name} is of type ${type}, which cannot hold ${found}`)
}

// LIST layout: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
function elementsOf(name: string, type: ColumnType, nullable: boolean): SchemaElement[] {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED'
  if (typeof type === 'string') return [{ name, repetition_type, ...PRIMITIVES[type] }]
  if ('list' in type) {
    return [
      { name, repetition_type, num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...elementsOf('element', type.list, true),
    ]
  }
  const fields = Object.entries(type.struct)
  return [
    { name, repetition_type, num_children: fields.length },
    ...fields.flatMap(([field, fieldType]) => elementsOf(field, fieldType, true)),
  ]
}

const PRIMITIVES: Record<Extract<ColumnType, string>, Pick<SchemaElement, 'type' | 'converted_type'>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
}
