import type { Column, ColumnType } from '../../pipelines/core/parquet.ts'
import { renderYaml } from '../yaml-text.ts'
import type { CardInput, ExportedConfig } from './card-input.ts'

/**
 * The YAML that the Hub reads of a dataset: https://huggingface.co/docs/hub/datasets-cards. Licence `other` needs a name and
 * a file of licences beside the card.
 */
export function renderFrontMatter({ card, name, configs: written, sourceDatasets }: CardInput): string {
  const configs = withRows(written)
  const numRows = configs[0]?.splits.reduce((sum, split) => sum + split.numRows, 0) ?? 0
  return renderYaml({
    pretty_name: card.pretty_name ?? name,
    language: card.language,
    license: card.license,
    ...(card.license === 'other' ? { license_name: 'per-row', license_link: 'LICENSE.md' } : {}),
    tags: card.tags,
    annotations_creators: ['machine-generated'],
    task_categories: [
      'text-generation',
      ...(configs.some(({ name: id }) => id === 'rl') ? ['reinforcement-learning'] : []),
    ],
    ...(sourceDatasets.length === 0 ? {} : { source_datasets: sourceDatasets }),
    size_categories: [sizeCategory(numRows)],
    configs: configs.map((config, index) => ({
      config_name: config.name,
      ...(index === 0 ? { default: true } : {}),
      data_files: config.splits.map(({ name: split }) => ({
        split,
        path: `${config.name}/${split}-*${config.extension}`,
      })),
    })),
    dataset_info: configs.map(datasetInfo),
  })
}

// `datasets` refuses a whole config for one split without rows, so what is empty is not named. Its file is there with the columns.
function withRows(configs: readonly ExportedConfig[]): ExportedConfig[] {
  const filled = configs.map((config) => ({ ...config, splits: config.splits.filter(({ numRows }) => numRows > 0) }))
  const named = filled.filter(({ splits }) => splits.length > 0)
  return named.length > 0 ? named : configs.slice(0, 1)
}

function datasetInfo({ name, columns, splits }: ExportedConfig) {
  return {
    config_name: name,
    features: columns.map((column) => ({ name: column.name, ...feature(column.type) })),
    splits: splits.map((split) => ({ name: split.name, num_bytes: split.numBytes, num_examples: split.numRows })),
    download_size: splits.reduce((sum, split) => sum + split.numFileBytes, 0),
    dataset_size: splits.reduce((sum, split) => sum + split.numBytes, 0),
  }
}

// The form in which `datasets` writes its features into a card: `list: string`, `list: [{name, dtype}]`.
function feature(type: ColumnType): Record<string, unknown> {
  if (type === 'double') return { dtype: 'float64' }
  if (type === 'boolean') return { dtype: 'bool' }
  if (type === 'int64') return { dtype: 'int64' }
  if (typeof type === 'string') return { dtype: 'string' }
  if ('list' in type) {
    const item = feature(type.list)
    return { list: item['dtype'] ?? item['struct'] ?? item }
  }
  return { struct: Object.entries(type.struct).map(([name, field]) => ({ name, ...feature(field) })) }
}

// The Hub's own steps.
function sizeCategory(numRows: number): string {
  const steps: readonly [number, string][] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
    [1e7, '1M<n<10M'],
    [1e8, '10M<n<100M'],
  ]
  return steps.find(([limit]) => numRows < limit)?.[1] ?? '100M<n<1B'
}

/** Bytes a row takes as Arrow, which is what the Hub calls the size of a dataset. */
export function arrowBytes(columns: readonly Column[], row: Readonly<Record<string, unknown>>): number {
  return columns.reduce((sum, { name, type }) => sum + valueBytes(type, row[name]), 0)
}

function valueBytes(type: ColumnType, value: unknown): number {
  if (type === 'int64' || type === 'double') return 8
  if (type === 'boolean') return 1
  if (value === null || value === undefined) return 4
  if (typeof value === 'string') return 4 + Buffer.byteLength(value)
  if (typeof type === 'string') return 4 + Buffer.byteLength(JSON.stringify(value))
  if ('list' in type) {
    return Array.isArray(value) ? value.reduce<number>((sum, item) => sum + valueBytes(type.list, item), 4) : 4
  }
  const fields = new Map<string, unknown>(Object.entries(value))
  return Object.entries(type.struct).reduce((sum, [name, field]) => sum + valueBytes(field, fields.get(name)), 0)
}
