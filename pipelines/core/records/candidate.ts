import { z } from 'zod'
import { recordId } from '../hash.ts'
import { defineTable } from '../table.ts'
import { SourceFile } from './provenance.ts'

/** The trace that leads from a task to a kernel. */
export const Reasoning = z.object({
  text: z.string().describe('The trace as written'),
  kind: z
    .enum(['model', 'human', 'evidence'])
    .describe('`model`: a generated trace; `human`: commit message or comment; `evidence`: written from measurements'),
  num_tokens: z.int().describe('Length under `tokenizer`'),
  tokenizer: z.string().describe('Name of the tokenizer that counted'),
})
export type Reasoning = z.infer<typeof Reasoning>

/** How a model was asked for a candidate. */
export const Generation = z.object({
  answer_id: z.string().describe('The answer it was read from, in the table `answers`'),
  prompt: z.string().describe('Prompt with version: `write-triton@1`'),
  prompt_sha256: z.string().describe('SHA-256 of the messages as they were sent, as canonical JSON'),
  sample: z.int().describe('Which of the samples of the task, from 0'),
  turn: z.int().describe('Which turn of the conversation, from 0'),
  temperature: z.number().nullable().describe('As asked for; null where it was left to the server'),
  seed: z.int().nullable().describe('As asked for; null where none was'),
})

/** An implementation offered for a task. */
export const Candidate = z.object({
  id: z.string().describe('16 hexadecimal characters from task, sources and reasoning'),
  task_id: z.string().describe('The task it implements'),
  origin: z
    .enum(['mined', 'compiled', 'generated', 'imported', 'revision'])
    .describe(
      '`mined`: a repository’s own kernel; `compiled`: TorchInductor; `generated`: a model; `imported`: a dataset; `revision`: a state in a file’s history',
    ),
  language: z.string().describe('Kernel language: `triton`, `cuda`, `cpp`'),
  form: z
    .enum(['device', 'native', 'python'])
    .describe('`device`: device code and launch plan; `native`: `extern "C"` launcher; `python`: `ModelNew` module'),
  entry_point: z.string().describe('`file::symbol` of the implementation inside `sources`'),
  sources: z.array(SourceFile).describe('The whole implementation; imports nothing outside `requires`'),
  requires: z.array(z.string()).describe('Python modules it imports, top level names'),
  kernel_ids: z.array(z.string()).describe('Mined kernels it launches; empty for generated candidates'),
  reasoning: Reasoning.nullable().describe('Null where nobody wrote one'),
  generator: z.string().nullable().describe('Model that wrote it; null for people’s code'),
  source: z.string().describe('Id of the source or import in the recipe'),
  repo_name: z.string().nullable().describe('Repository as `owner/name`; null for generated candidates'),
  commit_sha: z.string().nullable().describe('Commit the text was read at; null for generated candidates'),
  license: z.string().nullable().describe('SPDX expression over all pieces it is made of'),
  pieces: z
    .array(
      z.object({
        path: z.string().describe('File, relative to the root of the repository'),
        start_line: z.int().describe('First line, from 1'),
        end_line: z.int().describe('Last line, inclusive'),
        license: z.string().nullable().describe('SPDX expression that holds for the file; null where nothing says one'),
      }),
    )
    .describe('Every span of the repository that went into `sources`, with the licence that holds for it'),
  generation: Generation.nullable()
    .optional()
    .describe('How it was asked for; null for candidates that no model was asked for in this run'),
})
export type Candidate = z.infer<typeof Candidate>

export function candidateId(candidate: Pick<Candidate, 'task_id' | 'sources' | 'reasoning' | 'generator'>): string {
  const { task_id, sources, reasoning, generator } = candidate
  return recordId('candidate', task_id, sources, reasoning?.text ?? null, generator)
}

export const candidates = defineTable('candidates', Candidate)
