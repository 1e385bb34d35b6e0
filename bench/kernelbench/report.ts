import type { Candidate, Results, Verdict } from './results.ts'

/** Prints every verdict, what KernelBench says of its sample, the rates and where our time went. */
export function report(all: readonly Candidate[], { ours, baseline }: Results): void {
  const verdicts = new Map(ours?.verdicts.map((verdict) => [verdict.id, verdict]))
  let wrong = 0
  for (const { file, is_right } of all) {
    const verdict = verdicts.get(file)
    const isRight = verdict?.outcome === (is_right ? 'accepted' : 'refused')
    if (!isRight) wrong += 1
    console.log(`${isRight ? '  ' : '! '}${file.padEnd(56)} ${textOf(verdict)}`)
  }
  console.log(`\nours: ${all.length - wrong} of ${all.length} verdicts are as written in candidates.json`)
  console.log('KernelBench:')
  for (const [file, { correct, ms, reference_ms, wall_seconds }] of Object.entries(baseline)) {
    const other = verdicts.get(file)?.outcome === 'accepted' ? 'accepted' : 'not accepted'
    const mark = (other === 'accepted') === correct ? '  ' : '! '
    console.log(`${mark}${file.padEnd(56)} ${correct ? 'correct' : 'incorrect'}, ${ms} ms against ${reference_ms} ms`)
    console.log(`    ${wall_seconds.toFixed(1)} s; ours: ${other}, ${judgeSeconds(verdicts.get(file))}`)
  }
  if (ours === null) return
  showPhases(ours.verdicts)
  showGpu(ours.gpu)
  showRates(all, { ours, baseline })
}

// KernelBench's time for all of them is estimated from its sample, kind by kind; a kind without one is left out, and said.
function showRates(all: readonly Candidate[], { ours, baseline }: Results): void {
  if (ours === null) return
  const judged = ours.verdicts.filter(({ outcome }) => outcome !== 'not_judged').length
  const mine = (3600 * judged) / ours.seconds
  const whole = judged === all.length ? 'all' : `only ${judged} of ${all.length}`
  console.log(
    `\nours: ${mine.toFixed(0)} kernels per hour (${whole} judged in ${ours.seconds.toFixed(0)} s from the start)`,
  )
  const kinds = Object.groupBy(all, kindOf)
  let [seconds, count] = [0, 0]
  for (const [kind, own = []] of Object.entries(kinds)) {
    const times = own.flatMap(({ file }) => baseline[file]?.wall_seconds ?? [])
    if (times.length === 0) {
      console.log(`KernelBench: ${kind}: none of ${own.length} was judged, so they are left out of its rate`)
      continue
    }
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length
    console.log(`KernelBench: ${kind}: ${mean.toFixed(1)} s per kernel, the mean of ${times.length} of ${own.length}`)
    seconds += mean * own.length
    count += own.length
  }
  if (count === 0) return
  const theirs = (3600 * count) / seconds
  const isWhole = count === all.length && judged === all.length
  console.log(
    `KernelBench: ${theirs.toFixed(1)} kernels per hour for ${count} of ${all.length}, estimated from those` +
      `\nratio ${(mine / theirs).toFixed(1)}${isWhole ? '' : ', of different parts of the set'}`,
  )
}

function kindOf({ language, gigabytes }: Candidate): string {
  return `${language}, ${gigabytes ? 'gigabytes' : 'less than a gigabyte'}`
}

function showPhases(verdicts: readonly Verdict[]): void {
  const known = verdicts.map(({ seconds }) => seconds).filter((seconds) => seconds !== undefined)
  const totals = new Map<string, number>()
  for (const seconds of known) {
    for (const [name, time] of Object.entries(seconds)) totals.set(name, (totals.get(name) ?? 0) + time)
  }
  console.log(`\nseconds of a judge, the mean of ${known.length} candidates (several judges work at a time):`)
  for (const [name, total] of [...totals].toSorted(([, first], [, second]) => second - first)) {
    const mean = total / Math.max(1, known.length)
    if (mean >= 0.01) console.log(`  ${name.padEnd(32)} ${mean.toFixed(2).padStart(8)}`)
  }
}

function showGpu(seen: readonly number[]): void {
  if (seen.length === 0) return console.log('\nnobody looked at the GPU')
  const mean = seen.reduce((sum, part) => sum + part, 0) / seen.length
  const idle = seen.filter((part) => part === 0).length / seen.length
  const percent = (share: number): string => `${share.toFixed(0)} %`
  console.log(
    `\nGPU, from the start to the last verdict: a kernel ran ${percent(mean)} of the time; in ${percent(100 * idle)} of ` +
      `${seen.length} looks none had`,
  )
}

function judgeSeconds(verdict: Verdict | undefined): string {
  if (verdict?.seconds === undefined) return 'no times'
  const { wait_for_memory = 0, wait_for_device = 0, ...others } = verdict.seconds
  const own = Object.values(others).reduce((sum, time) => sum + time, 0)
  return `${own.toFixed(1)} s of a judge and ${(wait_for_memory + wait_for_device).toFixed(1)} s of waiting for others`
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'no verdict'
  const [row] = verdict.evaluations
  if (row === undefined) return `${verdict.outcome}: ${verdict.reason ?? ''}`
  const { performance: times, status, cause, log } = row
  const timing =
    times === null ? '' : `, ${times.latency_ms.toFixed(3)} ms against ${times.reference_latency_ms.toFixed(3)} ms`
  const why = cause === null ? '' : ` ${cause}`
  return `${verdict.outcome}: ${status}${why}${timing} ${log.split('\n', 1)[0] ?? ''}`.slice(0, 150)
}
