import type { DatasetConfig } from '../types.ts'
import { candidates } from './candidates.ts'
import { multiturn } from './multiturn.ts'
import { preference } from './preference.ts'
import { promptCompletion } from './prompt-completion.ts'
import { rejects } from './rejects.ts'
import { repair } from './repair.ts'
import { rl } from './rl.ts'
import { sft } from './sft.ts'
import { tasks } from './tasks.ts'

/** Configs of the published dataset, the default one first: one line each. */
export const datasetConfigs = {
  sft,
  'prompt-completion': promptCompletion,
  multiturn,
  preference,
  rl,
  repair,
  candidates,
  tasks,
  rejects,
} satisfies Record<string, DatasetConfig>
