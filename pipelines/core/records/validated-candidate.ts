import { z } from 'zod'
import { defineTable } from '../table.ts'
import { GivenFacts } from './candidate-facts.ts'
import { SourceFile } from './provenance.ts'

const optional = <Schema extends z.ZodType>(schema: Schema) => schema.optional()

/**
 * A row of a file that is handed in with `--input`: a candidate that another program validated. Every column may be absent or null.
 * The config `candidates` of a published dataset has these columns too, so that a dataset can be selected from again.
 */
export const ValidatedCandidate = GivenFacts.extend({
  reference: optional(z.string()).describe(
    'PyTorch program of the task in KernelBench form; names the task where `task_id` is absent',
  ),
  code: optional(z.string()).describe('The implementation, where it is one file'),
  sources: optional(z.array(SourceFile)).describe(
    'All files of the implementation, as a list or as JSON; goes before `code`',
  ),
  entry_point: optional(z.string()).describe(
    '`file::symbol` of the implementation inside `sources`; `ModelNew` where it is absent',
  ),
  requires: optional(z.array(z.string())).describe('Python modules that the code imports, as a list or as JSON'),
  reasoning: optional(z.string()).describe(
    'The trace that leads from task to code; counted here where `reasoning_tokens` is absent',
  ),
  commit_sha: optional(z.string()).describe('Commit the code was read at'),
  reference_commit_sha: optional(z.string()).describe('Commit the reference was read at'),
  reference_path: optional(z.string()).describe('File of the reference'),
})
export type ValidatedCandidate = z.infer<typeof ValidatedCandidate>

export const validatedCandidates = defineTable('validated_candidates', ValidatedCandidate)
