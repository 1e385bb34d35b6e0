import { z } from 'zod'

/** Where a piece of source text came from. Every mined record carries these fields. */
export const provenanceFields = {
  repo_name: z.string().describe('Repository as `owner/name`, or the folder name of a local one'),
  repo_url: z.string().describe('Address it was cloned from, without credentials'),
  commit_sha: z.string().describe('Full commit id the text was read at'),
  path: z
    .string()
    .describe(
      'File, relative to the root of the repository, with forward slashes; of imported tasks the file of the dataset',
    ),
  start_line: z.int().describe('First line, from 1, decorators included; of imported tasks the row'),
  end_line: z.int().describe('Last line, inclusive'),
  license: z
    .string()
    .nullable()
    .describe('SPDX expression that holds for the file; null where neither the file nor a licence text says one'),
  license_evidence: z
    .string()
    .nullable()
    .describe('What says so: `header` or the path of the licence text; null where nothing does'),
}

/** The fields of provenanceFields as a type. */
export type Provenance = z.infer<z.ZodObject<typeof provenanceFields>>

/** One text file of a record. */
export const SourceFile = z.object({
  path: z.string().describe('Name inside the record, relative, with forward slashes'),
  content: z.string().describe('The whole text'),
})
export type SourceFile = z.infer<typeof SourceFile>
