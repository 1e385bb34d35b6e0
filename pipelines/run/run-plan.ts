import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { STAGE_NAMES } from '../core/stage.ts'
import type { WorkDirectory } from '../core/work-directory.ts'

const RunPlan = z.array(z.object({ stage: z.enum(STAGE_NAMES), shards: z.array(z.string()) }))
/** The shards of every stage of a run, in order: what status and report count against. */
export type RunPlan = z.infer<typeof RunPlan>

/** Records which shards a run has. */
export async function writeRunPlan(directories: WorkDirectory, plan: RunPlan): Promise<void> {
  await writeFileAtomic(directories.planFile, `${JSON.stringify(plan, null, 2)}\n`)
}

/** The recorded shards; empty where no run was ever planned in the folder. */
export async function readRunPlan(directories: WorkDirectory): Promise<RunPlan> {
  try {
    return RunPlan.parse(JSON.parse(await readFile(directories.planFile, 'utf8')))
  } catch {
    return []
  }
}
