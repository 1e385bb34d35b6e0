import { z } from 'zod'
import { defineTable } from '../table.ts'

/** One file of an exported dataset. */
export const DatasetFile = z.object({
  path: z.string().describe('Inside the dataset, with forward slashes'),
  config: z.string().nullable().describe('Config it is data of; null for the card and the files beside it'),
  split: z.string().nullable().describe('Split it is part of; null where `config` is'),
  format: z.string().nullable().describe('File format with version, such as `parquet@1`; null where `config` is'),
  num_rows: z.int().nullable().describe('Null where `config` is'),
  num_bytes: z.int().describe('Size of the file'),
  sha256: z.string().describe('Of the file: what the Hub calls its LFS id'),
})
export type DatasetFile = z.infer<typeof DatasetFile>

export const datasetFiles = defineTable('dataset_files', DatasetFile)
