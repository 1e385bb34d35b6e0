import { z } from 'zod'
import { evidenceColumns } from '../columns/evidence.ts'
import { implementationColumns } from '../columns/implementation.ts'
import { messageColumn } from '../columns/message-column.ts'
import { PROMPT_TEMPLATE } from '../columns/prompt-template.ts'
import { provenanceColumns } from '../columns/provenance.ts'
import { thoughtOf, withThought } from '../prompts/thought.ts'
import { writeKernel } from '../prompts/write-kernel.ts'
import type { DatasetConfig } from '../types.ts'

const Options = z.strictObject({
  reasoning: z
    .enum(['think', 'omit'])
    .default('think')
    .describe('`think`: the completion begins with the reasoning between `<think>` and `</think>`; `omit`: code alone'),
})
type Options = z.infer<typeof Options>

const COLUMNS = [...implementationColumns, PROMPT_TEMPLATE, ...evidenceColumns, ...provenanceColumns]

/** The rows of `sft` divided into question and answer: TRL then learns from the answer alone. */
export const promptCompletion: DatasetConfig<Options> = {
  id: 'prompt-completion',
  version: 3,
  summary: 'Supervised fine-tuning on answers alone: question and answer of each selected candidate apart',
  options: Options,
  columns: [
    messageColumn('prompt', 'The question, as TRL’s SFTTrainer reads it beside `completion`'),
    messageColumn('completion', 'The answer: reasoning, where there is one, and code'),
    ...COLUMNS,
  ],
  async *rows(dataset, options) {
    for await (const selection of dataset.selections()) {
      const { candidate, task } = selection
      const thought = options.reasoning === 'omit' ? { text: null } : thoughtOf(candidate.reasoning?.text ?? null)
      if ('reason' in thought) {
        yield { candidate, ...thought }
        continue
      }
      const answer = withThought(thought.text, writeKernel.renderAnswer(candidate))
      const row = {
        prompt: [{ role: 'user', content: writeKernel.renderQuestion(task, candidate) }],
        completion: [{ role: 'assistant', content: answer }],
        ...Object.fromEntries(COLUMNS.map((column) => [column.name, column.valueOf(selection)])),
      }
      yield { taskId: task.id, row }
    }
  },
}
