import { stat } from 'node:fs/promises'
import { z } from 'zod'
import { runProcess } from '../../../pipelines/core/process.ts'

const Facts = z.object({ rows: z.number(), megabytes: z.number() })

/** Reads a whole file of outputs in a process of its own: how many rows it has, and the most memory that process ever held. */
export async function peakMemoryOfReading(
  format: string,
  path: string,
): Promise<{ rows: number; megabytes: number; fileMegabytes: number }> {
  const script = `
const { importFormats } = await import(${JSON.stringify(new URL('../../../extractors/imports/registry.ts', import.meta.url).href)})
const { plugin, options } = { plugin: importFormats[${JSON.stringify(format)}], options: importFormats[${JSON.stringify(format)}].options.parse({}) }
let rows = 0
for await (const row of plugin.read(${JSON.stringify(path)}, options, ['task', 'code'])) if ('value' in row) rows += 1
console.log(JSON.stringify({ rows, megabytes: process.resourceUsage().maxRSS / 1024 }))
`
  const result = await runProcess('node', ['--input-type=module', '--eval', script])
  if (!result.ok) throw new Error(result.stderr)
  const { size } = await stat(path)
  return { ...Facts.parse(JSON.parse(result.stdout)), fileMegabytes: size / 1e6 }
}
