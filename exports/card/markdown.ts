import type { Column, ColumnType } from '../../pipelines/core/parquet.ts'

/** A Markdown table; cells are text of strangers and are made harmless. */
export function renderTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(header), `| ${header.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n')
}

/** The columns of a config as a table: the documentation and the card show the same. */
export function renderColumns(columns: readonly Column[]): string {
  const rows = columns.map(
    ({ name, type, nullable, description }) =>
      `| \`${name}\` | ${typeName(type)} | ${nullable ? 'yes' : ''} | ${description.replaceAll('|', '\\|')} |`,
  )
  return ['| column | type | may be null | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function typeName(type: ColumnType): string {
  if (type === 'json') return 'JSON'
  if (typeof type === 'string') return type
  if ('list' in type) return `list of ${typeName(type.list)}`
  return `{${Object.keys(type.struct).join(', ')}}`
}

/** Text of strangers on one line, without a meaning in Markdown or HTML. */
export function cell(value: string | number): string {
  const text = String(value).replaceAll(/\s+/g, ' ').slice(0, 300)
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[|[\]`*_\\]/g, (character) => `\\${character}`)
}
