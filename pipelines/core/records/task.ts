import { z } from 'zod'
import { recordId } from '../hash.ts'
import { defineTable } from '../table.ts'
import { provenanceFields } from './provenance.ts'

/** One set of concrete shapes, dtypes and values for a task: overrides of module-level names of the reference. */
export const Workload = z.object({
  id: z.string().describe('16 hexadecimal characters from the axes'),
  axes: z
    .record(z.string(), z.string())
    .describe(
      'Module-level name to Python literal (`"1024"`, `"torch.float16"`, `"(4, 8)"`), set before inputs are made',
    ),
})
export type Workload = z.infer<typeof Workload>

/** The tolerance a repository's own test used. */
export const Tolerance = z.object({
  atol: z.number().nullable().describe('Absolute tolerance; null where the test left it to the default'),
  rtol: z.number().nullable().describe('Relative tolerance; null where the test left it to the default'),
})

/** How a task's reference was found: enough for a person to look it up. */
export const Pairing = z.object({
  method: z.string().describe('Pairing plug-in with version: `test-comparison@1`'),
  path: z.string().describe('File that holds the evidence'),
  symbol: z.string().nullable().describe('Function or class that holds it'),
  line: z.int().describe('Line of the comparison, from 1'),
  expression: z.string().describe('The comparison or definition as written, on one line'),
  confidence: z.number().describe('0 to 1: how surely the reference means the same as the kernel'),
})
export type Pairing = z.infer<typeof Pairing>

/** A PyTorch reference program with its workloads. */
export const Task = z.object({
  id: z.string().describe('16 hexadecimal characters from reference and workloads'),
  name: z.string().describe('What it computes, as its source calls it'),
  reference: z
    .string()
    .describe('Self-contained Python in KernelBench form: class `Model`, `get_inputs()`, `get_init_inputs()`'),
  workloads: z.array(Workload).describe('Concrete cases; the first is the one the reference holds as written'),
  tolerance: Tolerance.nullable().describe(
    "Tolerance of the repository's own test; evidence, not the rule of acceptance",
  ),
  origin: z.enum(['mined', 'imported']).describe('`mined` from a repository or `imported` from a dataset'),
  requires: z.array(z.string()).describe('Python modules it imports, top level names'),
  pairing: Pairing.nullable().describe('How the reference was found; null for imported tasks'),
  source: z.string().describe('Id of the source in the recipe'),
  ...provenanceFields,
})
export type Task = z.infer<typeof Task>

export function workloadId(axes: Workload['axes']): string {
  return recordId('workload', axes)
}

/** The id of a task: the same program with the same workloads is the same task wherever it was found. */
export function taskId(task: Pick<Task, 'reference' | 'workloads'>): string {
  return recordId(
    'task',
    task.reference,
    task.workloads.map((workload) => workload.axes),
  )
}

export const tasks = defineTable('tasks', Task)
