import { z } from 'zod'
import { recordId } from '../hash.ts'
import { defineTable } from '../table.ts'
import { provenanceFields } from './provenance.ts'

/** One mined device function. */
export const Kernel = z.object({
  id: z.string().describe('16 hexadecimal characters from repository, path, entry point and normalised text'),
  language: z.string().describe('Id of the language plug-in that found it: `triton`, `cuda`, `cpp`'),
  entry_point: z.string().describe('`file::symbol`'),
  symbol: z.string().describe('Name of the function as written in the source'),
  role: z
    .enum(['entry', 'helper'])
    .describe('`entry` is launched by host code; `helper` is only called by other device functions'),
  signature: z.string().describe('Parameter list as written'),
  content: z.string().describe('Text of the function with its decorators or template line'),
  content_sha256: z
    .string()
    .describe('SHA-256 of the text without comments, blank lines and indentation: exact duplicates'),
  launch_sites: z
    .array(
      z.object({
        path: z.string().describe('File, relative to the root of the repository'),
        line: z.int().describe('Line of the launch, from 1'),
        function: z.string().nullable().describe('Enclosing function; null at the top level of the file'),
      }),
    )
    .describe('Where host code launches it: file, line, enclosing function'),
  autotune_configs: z.int().describe('Number of literal autotune configurations; 0 where there are none'),
  source: z.string().describe('Id of the source in the recipe'),
  extractor: z.string().describe('Language plug-in with version: `triton@1`'),
  ...provenanceFields,
  cell: z
    .int()
    .nullable()
    .describe('Index of the notebook cell it stands in, from 0; null where the file is no notebook'),
  license_class: z
    .enum(['permissive', 'weak_copyleft', 'strong_copyleft', 'custom', 'none'])
    .describe(
      'What `license` asks of those who pass the text on; `custom`: terms without an SPDX name, or restricting use; `none`: nobody licenses it',
    ),
  repo_license: z
    .string()
    .nullable()
    .describe(
      'SPDX expression of the licence texts at the root of the repository at this commit; null where none says one',
    ),
})
export type Kernel = z.infer<typeof Kernel>

/** The id of a kernel: stable across runs and commits as long as name, place and meaning stay. */
export function kernelId(kernel: Pick<Kernel, 'repo_name' | 'path' | 'entry_point' | 'content_sha256'>): string {
  return recordId(kernel.repo_name, kernel.path, kernel.entry_point, kernel.content_sha256)
}

export const kernels = defineTable('kernels', Kernel)
