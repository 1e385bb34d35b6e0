import { writeKernel } from '../prompts/write-kernel.ts'
import type { SelectionColumn } from './selection-column.ts'

/** Not `prompt`: trainers take a column of that name for the prompt itself. */
export const PROMPT_TEMPLATE: SelectionColumn = {
  name: 'prompt_template',
  type: 'string',
  nullable: false,
  description: 'Name and version of what the question was worded with',
  valueOf: () => `${writeKernel.id}@${writeKernel.version}`,
}
