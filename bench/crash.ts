/**
 * Kills `curate` at random points, over and over, and shows what came of it: `node bench/crash.ts [trials] [kills per trial]`.
 * Each trial starts in an empty folder, is killed with SIGKILL several times, is then left to finish, and must have
 * written the bytes of a run that nothing disturbed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPEATABLE_RUN, crashTrial, outputHashes } from '../test/crash-trial.ts'
import { curate } from '../test/curate-process.ts'

const trials = Number(process.argv[2] ?? 10)
const kills = Number(process.argv[3] ?? 5)

const base = await mkdtemp(join(tmpdir(), 'curate-crash-'))
const started = Date.now()
const undisturbed = await curate([...REPEATABLE_RUN, '--work-dir', join(base, 'undisturbed')])
if (undisturbed.exitCode !== 0) throw new Error(undisturbed.stderr)
const duration = Date.now() - started
const expected = await outputHashes(join(base, 'undisturbed'))
console.log(`undisturbed: ${(duration / 1000).toFixed(1)} s, ${expected.size} outputs`)
console.log('trial  kills  exit  different  left over  orphans  killed after (ms)')

let bad = 0
let killed = 0
for (let trial = 1; trial <= trials; trial += 1) {
  const workDir = join(base, `trial-${trial}`)
  const delays = Array.from({ length: kills }, () => Math.round(Math.random() * duration))
  const result = await crashTrial(workDir, delays, expected)
  killed += result.killedAfterMs.length
  const wrong = result.exitCode !== 0 || result.different.length + result.leftOver.length + result.orphans > 0
  if (wrong) bad += 1
  const cells = [
    trial,
    result.killedAfterMs.length,
    result.exitCode,
    result.different.length,
    result.leftOver.length,
    result.orphans,
  ]
  console.log(`${cells.map((cell) => String(cell).padStart(5)).join('  ')}  ${result.killedAfterMs.join(' ')}`)
  if (wrong) console.log({ different: result.different, leftOver: result.leftOver })
  await rm(workDir, { recursive: true, force: true })
}
console.log(`${trials} trials, ${killed} kills, ${bad} with a difference`)
await rm(base, { recursive: true, force: true })
process.exitCode = bad === 0 ? 0 : 1
