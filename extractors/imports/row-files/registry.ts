import { hpcInstruct } from './hpc-instruct.ts'
import { theStackV2 } from './the-stack-v2.ts'
import { tritonbenchTrain } from './tritonbench-train.ts'
import type { RowFilesMapping } from './types.ts'

/** Published datasets whose rows are source files: one line each. */
export const rowFiles = {
  'hpc-instruct': hpcInstruct,
  'the-stack-v2': theStackV2,
  'tritonbench-train': tritonbenchTrain,
} satisfies Record<string, RowFilesMapping>
