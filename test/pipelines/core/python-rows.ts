import type { ParquetRow } from '../../../pipelines/core/parquet.ts'

/** A row as the Python scripts among the fixtures print it. */
export function asPythonPrints(row: ParquetRow): unknown {
  const entries = Object.entries(row).map(([name, value]) => {
    if (typeof value === 'bigint') return [name, { int64: String(value) }]
    if (typeof value === 'number') return [name, { double: pythonFloat(value) }]
    return [name, name === 'anything' && value !== null ? JSON.stringify(value) : value]
  })
  return Object.fromEntries(entries)
}

function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value)
}
