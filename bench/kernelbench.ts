/**
 * Judges our candidates for problems of KernelBench (https://github.com/ScalingIntelligence/KernelBench) with `curate evaluate`
 * and, for some of them, with KernelBench's own `eval_kernel_against_ref` (5 correctness trials, 100 timings), on one machine
 * with a GPU: `node bench/kernelbench.ts CHECKOUT RESULTS [--seconds N] [--only REGEX]
 * [--workers N] [--ours SHARE]`. Prints the kernels per hour of each, their
 * ratio, and every verdict that differs. Builds start from an empty cache. What is in the file RESULTS already is not done
 * again, so that a long comparison can be cut in two; `--seconds` ends it in time, our part after its share of that.
 */
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { runProcess } from '../pipelines/core/process.ts'
import { ONE_OFF_SETTINGS, outcomeOf, requestOf } from '../validators/one-off.ts'
import { findPython } from '../validators/python-environment.ts'
import type { EvaluationRequest, JudgingTime } from '../validators/types.ts'
import { openValidator } from '../validators/validator.ts'

const FOLDER = join(packageRoot, 'bench', 'kernelbench')

const Candidate = z.object({
  file: z.string(),
  level: z.int(),
  problem: z.string(),
  language: z.enum(['cuda', 'triton']),
  is_right: z.boolean(),
})
type Candidate = z.infer<typeof Candidate>

const Verdict = z.object({
  id: z.string(),
  outcome: z.enum(['accepted', 'refused', 'not_judged']),
  reason: z.string().optional(),
  /** Seconds from the beginning until it was there. */
  at: z.number(),
  /** Where the judge's time went. */
  seconds: z.record(z.string(), z.number()).optional(),
  evaluations: z.array(
    z.object({
      status: z.string(),
      cause: z.string().nullable(),
      log: z.string(),
      performance: z.object({ latency_ms: z.number(), reference_latency_ms: z.number() }).nullable(),
      build: z.unknown(),
      checks: z.array(z.object({ check: z.string(), passed: z.boolean().nullable(), detail: z.string().nullable() })),
    }),
  ),
})
type Verdict = z.infer<typeof Verdict>
type Keep = (seconds: number, verdict: Verdict) => Promise<void>

const Baseline = z.object({
  compiled: z.boolean(),
  correct: z.boolean(),
  ms: z.number(),
  reference_ms: z.number(),
  seconds: z.number(),
})

const Results = z.object({
  ours: z.object({ seconds: z.number(), verdicts: z.array(Verdict) }).nullable(),
  baseline: z.record(z.string(), Baseline.extend({ wall_seconds: z.number() })),
})
type Results = z.infer<typeof Results>

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3600' },
    only: { type: 'string', default: '' },
    workers: { type: 'string' },
    ours: { type: 'string', default: '0.6' },
  },
})
const [checkout, resultFile] = positionals
if (checkout === undefined || resultFile === undefined)
  throw new Error('give a checkout of KernelBench and a result file')
const deadline = Date.now() + 1000 * Number(values.seconds)

const all = z.array(Candidate).parse(JSON.parse(await readFile(join(FOLDER, 'candidates.json'), 'utf8')))
const candidates = all.filter(({ file }) => new RegExp(values.only).test(file))
const results = await readResults(resultFile)
if (results.ours === null) {
  const ours: NonNullable<Results['ours']> = { seconds: 0, verdicts: [] }
  results.ours = ours
  await judgeOurWay(candidates, checkout, async (seconds, verdict) => {
    ours.seconds = seconds
    ours.verdicts.push(verdict)
    await writeFile(resultFile, JSON.stringify(results, null, 1))
  })
}
for (const candidate of sampleOf(candidates)) {
  if (results.baseline[candidate.file] !== undefined || Date.now() > deadline) continue
  const judged = await judgeTheirWay(candidate, checkout)
  if (judged === null) continue
  results.baseline[candidate.file] = judged
  await writeFile(resultFile, JSON.stringify(results, null, 1))
}
report(candidates, results)

async function readResults(path: string): Promise<Results> {
  if (!existsSync(path)) return { ours: null, baseline: {} }
  return Results.parse(JSON.parse(await readFile(path, 'utf8')))
}

function referenceOf({ level, problem }: Candidate): string {
  return join(`level${level}`, `${problem}.py`)
}

// As `curate evaluate` judges them, with an empty cache; a result is kept as soon as it is there.
async function judgeOurWay(all: readonly Candidate[], root: string, keep: Keep): Promise<void> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'curate-kernelbench-'))
  const abort = new AbortController()
  const times = new Map<string, JudgingTime['seconds']>()
  const started = Date.now()
  const seconds = (): number => (Date.now() - started) / 1000
  const isOver = setTimeout(() => abort.abort(), Math.max(1, Number(values.ours) * (deadline - Date.now())))
  const settings = { ...ONE_OFF_SETTINGS, mode: 'standard', seed: randomInt(2 ** 47) } as const
  const workers = values.workers === undefined ? null : Number(values.workers)
  const validator = await openValidator(settings, { workers, cacheFolder, signal: abort.signal })
  try {
    const requests = await Promise.all(all.map(async (candidate) => await readRequest(candidate, root)))
    validator.prepare(requests)
    await Promise.all(
      all.map(async ({ file }, index) => {
        const request = requests[index]
        if (request === undefined) return
        const verdict = await validator.evaluate(request).then(
          (evaluations) => ({ outcome: outcomeOf(evaluations), evaluations }),
          (error: unknown) => ({ outcome: 'not_judged' as const, reason: String(error), evaluations: [] }),
        )
        if (abort.signal.aborted) return
        for (const time of validator.takeTimes()) times.set(time.candidate_id, time.seconds)
        const known = { id: file, ...verdict, at: seconds(), seconds: times.get(request.candidate.id) }
        await keep(seconds(), Verdict.parse(known))
      }),
    )
  } finally {
    clearTimeout(isOver)
    await validator.close()
    await rm(cacheFolder, { recursive: true, force: true })
  }
}

async function readRequest(candidate: Candidate, root: string): Promise<EvaluationRequest> {
  const reference = await readFile(join(root, 'KernelBench', referenceOf(candidate)), 'utf8')
  const code = await readFile(join(FOLDER, 'candidates', candidate.file), 'utf8')
  return requestOf({ reference, code, language: candidate.language })
}

async function judgeTheirWay(candidate: Candidate, root: string): Promise<Results['baseline'][string] | null> {
  const { python } = await findPython()
  const paths = [join(root, 'KernelBench', referenceOf(candidate)), join(FOLDER, 'candidates', candidate.file)]
  const started = Date.now()
  const args = [join(FOLDER, 'baseline.py'), root, ...paths, candidate.language]
  const done = await runProcess(python, args, { timeoutMs: Math.max(1, deadline - Date.now()) })
  const line = done.stdout.trim().split('\n').at(-1) ?? ''
  if (!done.ok || !line.startsWith('{')) {
    console.log(
      `${candidate.file}: KernelBench gave no result: ${done.timedOut ? 'no time left' : done.stderr.slice(-500)}`,
    )
    return null
  }
  return { ...Baseline.parse(JSON.parse(line)), wall_seconds: (Date.now() - started) / 1000 }
}

// By language and size of the problem, of which KernelBench's time mostly consists; the large ones first.
function sampleOf(all: readonly Candidate[]): Candidate[] {
  const large = ['relu_cuda.py', 'softmax_triton.py']
  const small = [
    'mingptnewgelu_cuda.py',
    'mingptnewgelu_triton.py',
    'gemm_relu_divide_cuda.py',
    'matmul_divide_gelu_triton.py',
  ]
  const others = ['relu_identity_cuda.py', 'mingptnewgelu_linear_triton.py']
  return [...large, ...small, ...others].flatMap((file) => all.filter((candidate) => candidate.file === file))
}

function report(all: readonly Candidate[], { ours, baseline }: Results): void {
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
    console.log(`    ${wall_seconds.toFixed(1)} s; ours: ${other}`)
  }
  showRates(all, { ours, baseline })
}

// KernelBench's time for all of them is that of its sample, language by language.
function showRates(all: readonly Candidate[], { ours, baseline }: Results): void {
  if (ours === null) return
  const judged = ours.verdicts.filter(({ outcome }) => outcome !== 'not_judged').length
  const mine = (3600 * judged) / ours.seconds
  console.log(`\nours: ${mine.toFixed(0)} kernels per hour (${judged} judged in ${ours.seconds.toFixed(0)} s)`)
  const byLanguage = Object.groupBy(all, ({ language }) => language)
  let seconds = 0
  for (const [language, own] of Object.entries(byLanguage)) {
    const times = own.flatMap(({ file }) => baseline[file]?.wall_seconds ?? [])
    if (times.length === 0) return console.log(`KernelBench: no ${language} kernel was judged, so there is no ratio`)
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length
    console.log(`KernelBench: ${language} ${mean.toFixed(1)} s per kernel, the mean of ${times.length}`)
    seconds += mean * own.length
  }
  const theirs = (3600 * all.length) / seconds
  console.log(`KernelBench: ${theirs.toFixed(1)} kernels per hour for this mix; ratio ${(mine / theirs).toFixed(1)}`)
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'no verdict'
  const [row] = verdict.evaluations
  if (row === undefined) return `${verdict.outcome}: ${verdict.reason ?? ''}`
  const { performance: times, status, cause, log } = row
  const timing =
    times === null ? '' : `, ${times.latency_ms.toFixed(3)} ms against ${times.reference_latency_ms.toFixed(3)} ms`
  return `${verdict.outcome}: ${status}${cause === null ? '' : ` ${cause}`}${timing} ${log.split('\n', 1)[0] ?? ''}`.slice(
    0,
    150,
  )
}
