import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPEATABLE_RUN, crashTrial, outputHashes, randomDelays } from '../../crash-trial.ts'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

// `node bench/crash.ts` does the same with many more kills.
test('a run that is killed at random points and run again leaves the bytes of a run that nothing disturbed', async () => {
  const base = await temporaryFolder()
  const started = Date.now()
  const undisturbed = await curate([...REPEATABLE_RUN, '--work-dir', join(base, 'undisturbed')])
  const duration = Date.now() - started
  expect(undisturbed.exitCode).toBe(0)
  const expected = await outputHashes(join(base, 'undisturbed'))
  expect(expected.size).toBeGreaterThan(15)
  // The first one comes too early for any machine, so that at least one process is sure to be killed.
  const trial = await crashTrial(join(base, 'killed'), [300, ...randomDelays(7, 3, duration)], expected)
  expect(trial).toEqual({ kills: trial.kills, exitCode: 0, different: [], leftOver: [], orphans: 0 })
  expect(trial.kills.length).toBeGreaterThanOrEqual(1)
}, 180_000)
