/**
 * Kills `curate` at random points, over and over, and shows what came of it: `node bench/crash.ts [trials] [seed]`.
 * Each trial starts in an empty folder, is killed with SIGKILL once in each stage, is then left to finish, and must have
 * written the bytes of a run that nothing disturbed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashTrial, randomKills, runUndisturbed } from '../test/crash-trial.ts'
import type { CrashTrial, Kill } from '../test/crash-trial.ts'

const trials = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? 1)

const base = await mkdtemp(join(tmpdir(), 'curate-crash-'))
const undisturbed = await runUndisturbed(join(base, 'undisturbed'))
const times = [...undisturbed.durations].map(([stage, ms]) => `${stage} ${ms} ms`)
console.log(`undisturbed: ${undisturbed.outputs.size} outputs; ${times.join(', ')}`)
console.log('trial  kills   exit  differ   left  alive  killed in')

let bad = 0
const killed: Kill[] = []
for (let trial = 1; trial <= trials; trial += 1) {
  const workDir = join(base, `trial-${trial}`)
  const result = await crashTrial(workDir, randomKills(seed * 1000 + trial, undisturbed.durations), undisturbed)
  killed.push(...result.kills)
  if (isWrong(result)) bad += 1
  show(trial, result)
  await rm(workDir, { recursive: true, force: true })
}
const stages = Object.entries(Object.groupBy(killed, ({ stage }) => stage))
console.log(stages.map(([stage, own]) => `${stage} ${own?.length ?? 0}`).join(', '))
console.log(`${trials} trials, ${killed.length} kills, ${bad} with a difference`)
await rm(base, { recursive: true, force: true })
process.exitCode = bad === 0 ? 0 : 1

function isWrong({ exitCode, different, leftOver, orphans }: CrashTrial): boolean {
  return exitCode !== 0 || different.length + leftOver.length + orphans > 0
}

function show(trial: number, result: CrashTrial): void {
  const { kills, exitCode, different, leftOver, orphans } = result
  const cells = [trial, kills.length, exitCode, different.length, leftOver.length, orphans]
  const moments = kills.map(({ stage, afterMs }) => `${stage}@${afterMs}`)
  console.log(`${cells.map((cell) => String(cell).padStart(5)).join('  ')}  ${moments.join(' ')}`)
  if (isWrong(result)) console.log({ different, leftOver })
}
