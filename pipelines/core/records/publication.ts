import { z } from 'zod'
import { defineTable } from '../table.ts'

/** One publication of a dataset, or the plan of one. */
export const Publication = z.object({
  repo: z.string().describe('Dataset repository on the Hub, `owner/name`'),
  branch: z.string().describe('Branch that was committed to'),
  endpoint: z.string().describe('Address of the Hub'),
  dry_run: z.boolean().describe('True where nothing was sent'),
  commit_oid: z
    .string()
    .nullable()
    .describe('Commit that holds the dataset, the newest one where several were needed; null for a dry run'),
  pull_request: z
    .string()
    .nullable()
    .describe('Address of the pull request that holds the commits; null where the branch itself was committed to'),
  tag: z.string().nullable().describe('Name that the commit was given; null for none'),
  parent_oid: z
    .string()
    .nullable()
    .describe('Commit the plan was made on; null where the repository is new or was not asked'),
  num_commits: z.int().describe('Commits made; 0 where the Hub had it all, and for a dry run'),
  num_added: z.int().describe('Files the Hub did not have'),
  num_updated: z.int().describe('Files the Hub had with other content'),
  num_deleted: z.int().describe('Files of earlier publications that are no longer part'),
  num_unchanged: z.int().describe('Files the Hub had already'),
  num_bytes: z.int().describe('Bytes of added and updated files'),
})
export type Publication = z.infer<typeof Publication>

export const publications = defineTable('publications', Publication)

/** What a publication does, or would do, with one file. */
export const PublishedFile = z.object({
  path: z.string().describe('Inside the dataset, with forward slashes'),
  action: z.enum(['add', 'update', 'delete', 'keep']).describe('`keep`: the Hub has it already, with the same hash'),
  num_bytes: z.int().describe('Size of the file'),
  sha256: z.string().nullable().describe('Null for files that are deleted'),
})
export type PublishedFile = z.infer<typeof PublishedFile>

export const publishedFiles = defineTable('published_files', PublishedFile)
