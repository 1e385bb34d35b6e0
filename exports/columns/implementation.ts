import type { Selection } from '../types.ts'
import type { SelectionColumn } from './selection-column.ts'

/** What the row is about: ids, reference, implementation and reasoning. */
export const implementationColumns: readonly SelectionColumn[] = [
  {
    name: 'task_id',
    type: 'string',
    nullable: false,
    description: 'The task; the same in every config',
    valueOf: ({ task }) => task.id,
  },
  {
    name: 'candidate_id',
    type: 'string',
    nullable: false,
    description: 'The implementation; the same in every config',
    valueOf: ({ candidate }) => candidate.id,
  },
  {
    name: 'task_name',
    type: 'string',
    nullable: false,
    description: 'What the task computes, as its source calls it',
    valueOf: ({ task }) => task.name,
  },
  {
    name: 'reference',
    type: 'string',
    nullable: false,
    description: 'PyTorch program in KernelBench form: class `Model`, `get_inputs()`, `get_init_inputs()`',
    statistics: false,
    valueOf: ({ task }) => task.reference,
  },
  {
    name: 'code',
    type: 'string',
    nullable: true,
    description: 'Text of the file that holds `entry_point`; the whole implementation where `sources` has one file',
    statistics: false,
    valueOf: ({ candidate }) =>
      candidate.sources.find(({ path }) => candidate.entry_point.startsWith(`${path}::`))?.content ?? null,
  },
  {
    name: 'sources',
    type: { list: { struct: { path: 'string', content: 'string' } } },
    nullable: false,
    description: 'All files of the implementation',
    statistics: false,
    valueOf: ({ candidate }) => candidate.sources,
  },
  {
    name: 'entry_point',
    type: 'string',
    nullable: false,
    description: '`file::symbol` of the implementation inside `sources`',
    valueOf: ({ candidate }) => candidate.entry_point,
  },
  {
    name: 'language',
    type: 'string',
    nullable: false,
    description: 'Kernel language: `triton`, `cuda`, `cpp`',
    valueOf: ({ candidate }) => candidate.language,
  },
  {
    name: 'form',
    type: 'string',
    nullable: false,
    description: '`device`: device code and launch plan; `native`: `extern "C"` launcher; `python`: `ModelNew` module',
    valueOf: ({ candidate }) => candidate.form,
  },
  {
    name: 'reasoning',
    type: 'string',
    nullable: true,
    description: 'The trace that leads from the task to the code; null where nobody wrote one',
    statistics: false,
    valueOf: ({ candidate }) => candidate.reasoning?.text ?? null,
  },
  {
    name: 'reasoning_kind',
    type: 'string',
    nullable: true,
    description: '`model`: generated; `human`: commit message or comment; `evidence`: written from measurements',
    valueOf: ({ candidate }) => candidate.reasoning?.kind ?? null,
  },
  {
    name: 'reasoning_tokens',
    type: 'int64',
    nullable: true,
    description: 'Length of the reasoning, tokens under `tokenizer`',
    valueOf: (selection) => countOf(selection).num_tokens,
  },
  {
    name: 'tokenizer',
    type: 'string',
    nullable: true,
    description: 'Tokenizer that counted `reasoning_tokens`',
    valueOf: (selection) => countOf(selection).tokenizer,
  },
]

// What filters counted goes first, since a recipe may name a tokenizer; a text that export itself wrote they never saw.
function countOf({ candidate: { reasoning }, facts }: Selection): {
  num_tokens: number | null
  tokenizer: string | null
} {
  const isCounted = reasoning !== null && reasoning.kind !== 'evidence' && facts.reasoning_tokens !== null
  if (isCounted) return { num_tokens: facts.reasoning_tokens, tokenizer: facts.tokenizer }
  return { num_tokens: reasoning?.num_tokens ?? null, tokenizer: reasoning?.tokenizer ?? null }
}
