import { join } from 'node:path'
import { expect, test } from 'vitest'
import { crashTrial, randomKills, runUndisturbed } from '../../crash-trial.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

// `node bench/crash.ts` does the same with many more kills.
test('a run that is killed in every stage and run again leaves the bytes of a run that nothing disturbed', async () => {
  const base = await temporaryFolder()
  const undisturbed = await runUndisturbed(join(base, 'undisturbed'))
  expect([...undisturbed.durations.keys()]).toEqual(['mine', 'pair', 'generate', 'validate', 'filter', 'export'])
  expect(undisturbed.outputs.size).toBeGreaterThan(15)
  const trial = await crashTrial(join(base, 'killed'), randomKills(7, undisturbed.durations), undisturbed)
  expect(trial).toEqual({ kills: trial.kills, exitCode: 0, different: [], leftOver: [], orphans: 0 })
  // On a busy machine a stage may be over before its turn to be killed comes.
  expect(trial.kills.length).toBeGreaterThanOrEqual(2)
}, 240_000)
