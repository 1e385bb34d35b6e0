import { z } from 'zod'
import type { Column } from '../../pipelines/core/parquet.ts'
import { writeKernel } from '../prompts/write-kernel.ts'
import type { DatasetConfig, Selection } from '../types.ts'
import { evidenceColumns } from '../columns/evidence.ts'
import { implementationColumns } from '../columns/implementation.ts'
import { provenanceColumns } from '../columns/provenance.ts'
import { PROMPT_TEMPLATE } from '../columns/prompt-template.ts'
import type { SelectionColumn } from '../columns/selection-column.ts'
import { evidenceRationale } from '../prompts/evidence-rationale.ts'
import { thoughtOf, withThought } from '../prompts/thought.ts'

const Options = z.strictObject({
  reasoning: z
    .enum(['think', 'omit', 'evidence'])
    .default('think')
    .describe(
      '`think`: the answer begins with the reasoning between `<think>` and `</think>`; `omit`: code alone; `evidence`: with one written from what the validator measured, in place of any other, and of the kind `evidence`',
    ),
})
type Options = z.infer<typeof Options>

const MESSAGES: Column = {
  name: 'messages',
  type: { list: { struct: { role: 'string', content: 'string' } } },
  nullable: false,
  description: 'Conversation of a `user` and an `assistant` message, as TRL’s SFTTrainer reads it',
  statistics: false,
}

const COLUMNS: readonly SelectionColumn[] = [
  ...implementationColumns,
  PROMPT_TEMPLATE,
  ...evidenceColumns,
  ...provenanceColumns,
]

/** One conversation per selected candidate: the task, and the reasoning and code that answer it. */
export const sft: DatasetConfig<Options> = {
  id: 'sft',
  version: 7,
  summary: 'Supervised fine-tuning: one conversation per selected candidate, with all its evidence and provenance',
  options: Options,
  columns: [MESSAGES, ...COLUMNS],
  async *rows(dataset, options) {
    for await (const selected of dataset.selections()) {
      const selection = options.reasoning === 'evidence' ? await withEvidence(selected) : selected
      const { candidate, task } = selection
      const thought = options.reasoning === 'omit' ? { text: null } : thoughtOf(candidate.reasoning?.text ?? null)
      if ('reason' in thought) yield { candidate, ...thought }
      else yield { taskId: task.id, row: rowOf(selection, thought.text) }
    }
  },
}

async function withEvidence(selection: Selection): Promise<Selection> {
  return { ...selection, candidate: { ...selection.candidate, reasoning: await evidenceRationale(selection) } }
}

function rowOf(selection: Selection, thought: string | null) {
  const columns = COLUMNS.map((column) => [column.name, column.valueOf(selection)])
  return { messages: messagesOf(selection, thought), ...Object.fromEntries(columns) }
}

function messagesOf({ task, candidate }: Selection, thought: string | null) {
  return [
    { role: 'user', content: writeKernel.renderQuestion(task, candidate) },
    { role: 'assistant', content: withThought(thought, writeKernel.renderAnswer(candidate)) },
  ]
}
