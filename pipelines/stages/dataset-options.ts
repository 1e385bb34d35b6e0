import { z } from 'zod'
import { datasetConfigs } from '../../exports/configs/registry.ts'
import { exportFormats } from '../../exports/formats/registry.ts'
import { optionsByPlugin } from '../core/plugin.ts'

/** The section `export`: what is written, and how. */
export const Export = z.strictObject({
  configs: optionsByPlugin(datasetConfigs).describe('Configs of the dataset to write'),
  formats: optionsByPlugin(exportFormats).describe('File formats to write them in'),
  max_file_rows: z.int().positive().default(100_000).describe('Rows per file'),
  splits: z
    .strictObject({
      validation: z.number().min(0).max(0.5).default(0).describe('Share of the repositories that go to `validation`'),
      test: z.number().min(0).max(0.5).default(0).describe('Share of the repositories that go to `test`'),
    })
    .prefault({})
    .describe(
      'What is held out, by repository: none of it shares a repository or a cluster with `train`, and nothing leaves `train` when a dataset grows',
    ),
  card: z
    .strictObject({
      pretty_name: z
        .string()
        .nullable()
        .default(null)
        .describe('Title of the dataset; null for the name of the recipe'),
      license: z.string().default('other').describe('Licence of the dataset as a whole, as the Hub spells it'),
      tags: z.array(z.string()).default(['gpu', 'kernels', 'code']).describe('Tags on the Hub'),
      language: z.array(z.string()).default(['en']).describe('Natural languages of the text, ISO 639-1'),
    })
    .prefault({})
    .describe('What the dataset card says besides what is computed'),
})

/** The section `publish`: where it goes. */
export const Publish = z.strictObject({
  repo: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, 'owner/name')
    .describe('Dataset repository on the Hub'),
  private: z.boolean().default(true).describe('Visibility of a repository that is created'),
  endpoint: z.url().nullable().default(null).describe('Hub address; null for HF_ENDPOINT or the public Hub'),
  branch: z.string().default('main').describe('Branch that is committed to'),
  mode: z
    .enum(['commit', 'pull_request'])
    .default('commit')
    .describe('`pull_request` leaves the branch as it is and proposes the change, for somebody to look at'),
  tag: z
    .string()
    .regex(/^[\w][\w.-]*$/, 'letters, digits, dots, dashes and underscores')
    .nullable()
    .default(null)
    .describe('Name for the published commit, such as `v1.0`; null for none'),
  allow_partial: z.boolean().default(false).describe('Publish although some shards failed'),
  dry_run: z
    .boolean()
    .nullable()
    .default(null)
    .describe('Plan the commit and send nothing; null: only without a token'),
})
