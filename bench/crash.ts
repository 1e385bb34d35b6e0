/**
 * Kills `curate` at random points, over and over, and shows what came of it: `node bench/crash.ts [trials] [kills per trial] [seed]`.
 * Each trial starts in an empty folder, is killed with SIGKILL several times, is then left to finish, and must have
 * written the bytes of a run that nothing disturbed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPEATABLE_RUN, crashTrial, outputHashes, randomDelays } from '../test/crash-trial.ts'
import type { Kill } from '../test/crash-trial.ts'
import { curate } from '../test/curate-process.ts'

const trials = Number(process.argv[2] ?? 10)
const kills = Number(process.argv[3] ?? 5)
const seed = Number(process.argv[4] ?? 1)

const base = await mkdtemp(join(tmpdir(), 'curate-crash-'))
const started = Date.now()
const undisturbed = await curate([...REPEATABLE_RUN, '--work-dir', join(base, 'undisturbed')])
if (undisturbed.exitCode !== 0) throw new Error(undisturbed.stderr)
const duration = Date.now() - started
const expected = await outputHashes(join(base, 'undisturbed'))
console.log(`undisturbed: ${(duration / 1000).toFixed(1)} s, ${expected.size} outputs`)
console.log('trial  kills   exit  differ   left  alive  killed in')

let bad = 0
const killed: Kill[] = []
for (let trial = 1; trial <= trials; trial += 1) {
  const workDir = join(base, `trial-${trial}`)
  const delays = randomDelays(seed * 1000 + trial, kills, duration)
  const result = await crashTrial(workDir, delays, expected)
  killed.push(...result.kills)
  const wrong = result.exitCode !== 0 || result.different.length + result.leftOver.length + result.orphans > 0
  if (wrong) bad += 1
  const cells = [
    trial,
    result.kills.length,
    result.exitCode,
    result.different.length,
    result.leftOver.length,
    result.orphans,
  ]
  console.log(
    `${cells.map((cell) => String(cell).padStart(5)).join('  ')}  ${result.kills.map(({ stage, afterMs }) => `${stage}@${afterMs}`).join(' ')}`,
  )
  if (wrong) console.log({ different: result.different, leftOver: result.leftOver })
  await rm(workDir, { recursive: true, force: true })
}
const stages = Object.entries(Object.groupBy(killed, ({ stage }) => stage))
console.log(stages.map(([stage, own]) => `${stage} ${own?.length ?? 0}`).join(', '))
console.log(`${trials} trials, ${killed.length} kills, ${bad} with a difference`)
await rm(base, { recursive: true, force: true })
process.exitCode = bad === 0 ? 0 : 1
