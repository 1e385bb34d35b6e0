import { join } from 'node:path'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { runProcess } from '../pipelines/core/process.ts'

/** Has Python compile the worker's sources for the processes to come. Where nobody may write, each compiles them for itself. */
export async function writeWorkerBytecode(python: string): Promise<void> {
  // Isolated: the folder of the script would offer its modules under top-level names.
  await runProcess(python, ['-B', '-I', SCRIPT], { timeoutMs: 60_000 })
}

const SCRIPT = join(packageRoot, 'validators', 'worker', 'curate_worker', 'bytecode.py')
