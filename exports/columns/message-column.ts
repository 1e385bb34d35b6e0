import type { Column } from '../../pipelines/core/parquet.ts'

/** A list of messages in the conversational form of TRL's trainers. */
export function messageColumn(name: string, description: string): Column {
  return {
    name,
    type: { list: { struct: { role: 'string', content: 'string' } } },
    nullable: false,
    description,
    statistics: false,
  }
}

/** A column of values that are not looked up: text, or a number, or a truth value. */
export function plainColumn(
  name: string,
  type: 'string' | 'int64' | 'double' | 'boolean',
  description: string,
): Column {
  return { name, type, nullable: description.includes('null'), description }
}
