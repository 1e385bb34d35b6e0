import type { Enabled } from '../pipelines/core/plugin.ts'
import { pluginName } from '../pipelines/core/plugin.ts'
import type { Reject } from '../pipelines/core/records/reject.ts'
import type { ExportedConfig, ExportedSplit } from './card/card-input.ts'
import { arrowBytes } from './card/front-matter.ts'
import { openPartWriter } from './part-writer.ts'
import type { PartLayout, WrittenPart } from './part-writer.ts'
import type { Split } from './splits.ts'
import type { Dataset, DatasetConfig, ExportFormat } from './types.ts'

/** A config on disk. */
export interface WrittenConfig {
  readonly parts: readonly WrittenPart[]
  readonly config: ExportedConfig
  /** Selected candidates that have no row in it, with the reason. */
  readonly refusals: readonly Reject[]
}

/** Writes every row of a config, in all formats. Rows without a task, such as rejects, have no reason to be held out. */
export async function writeConfig(
  { plugin, options }: Enabled<DatasetConfig>,
  dataset: Dataset,
  layout: PartLayout,
  splitOf: (taskId: string | null) => Split,
): Promise<WrittenConfig> {
  const writer = openPartWriter(plugin.id, plugin.columns, layout)
  const numBytes = new Map<string, number>()
  const refusals: Reject[] = []
  for await (const item of plugin.rows(dataset, options)) {
    if ('row' in item) {
      const split = splitOf(item.taskId)
      await writer.write(split, item.row)
      numBytes.set(split, (numBytes.get(split) ?? 0) + arrowBytes(plugin.columns, item.row))
    } else {
      const { candidate, reason, detail } = item
      refusals.push({
        record_id: candidate.id,
        stage: 'export',
        by: pluginName(plugin),
        reason,
        detail,
        source: candidate.source,
      })
    }
  }
  const parts = await writer.close()
  const shown = layout.formats[0]?.plugin
  const splits = layout.splits.map((split) => describeSplit(split, parts, shown, numBytes.get(split) ?? 0))
  const { id, summary, columns } = plugin
  return { parts, config: { name: id, summary, extension: shown?.extension ?? '', columns, splits }, refusals }
}

function describeSplit(
  name: string,
  parts: readonly WrittenPart[],
  format: ExportFormat | undefined,
  numBytes: number,
): ExportedSplit {
  const own = parts
    .map(({ file }) => file)
    .filter((file) => file.split === name && format !== undefined && file.format === pluginName(format))
  return {
    name,
    numRows: own.reduce((sum, file) => sum + (file.num_rows ?? 0), 0),
    numBytes,
    numFiles: own.length,
    numFileBytes: own.reduce((sum, file) => sum + file.num_bytes, 0),
  }
}
