import { renderColumns } from '../../exports/card/markdown.ts'
import { datasetConfigs } from '../../exports/configs/registry.ts'
import type { DatasetConfig } from '../../exports/types.ts'

/** One page of documentation per config of the published dataset: path and content. The card shows the same columns. */
export function datasetPages(): [path: string, content: string][] {
  return Object.values(datasetConfigs).map((config: DatasetConfig) => [
    `docs/datasets/${config.id}.md`,
    renderPage(config),
  ])
}

function renderPage({ id, summary, columns }: DatasetConfig): string {
  return [
    `# Config \`${id}\``,
    `${summary}.`,
    `Files: \`${id}/train-00000-of-00001.parquet\` and so on. This page is generated from the declarations of the columns.`,
    `${renderColumns(columns)}\n`,
  ].join('\n\n')
}
