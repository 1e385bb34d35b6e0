/**
 * Judges our candidates for problems of KernelBench (https://github.com/ScalingIntelligence/KernelBench) with `curate evaluate`
 * and, for some of them, with KernelBench's own `eval_kernel_against_ref` (5 correctness trials, 100 timings), one after the
 * other on one machine with a GPU: `node bench/kernelbench.ts CHECKOUT RESULTS [--seconds N] [--ours SHARE] [--only REGEX]
 * [--workers N]`. Prints every verdict, the kernels per hour of each, their ratio, where our time went and how busy the GPU
 * was. Builds start from an empty cache, and the worker's bytecode is there, as `curate doctor --prepare` leaves it. KernelBench
 * takes a minute or two for a kernel, so its rate for all is estimated from as many as `--seconds` leaves time for, by language
 * and size. What is in the file RESULTS already is not done again, so that a long comparison can be cut in two; our part is
 * ended after its SHARE of the seconds.
 */
import { randomInt } from 'node:crypto'
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
import { writeWorkerBytecode } from '../validators/worker-bytecode.ts'
import { watchGpu } from './kernelbench/gpu-use.ts'
import { report } from './kernelbench/report.ts'
import { Baseline, Candidate, Verdict, readResults } from './kernelbench/results.ts'
import type { Results } from './kernelbench/results.ts'

const LOOKS_PER_SECOND = 5
// The kinds in turns, that of most candidates first: time may end before all were asked.
const FOR_BOTH = [
  'relu_cuda.py',
  'swish_triton.py',
  'mingptnewgelu_cuda.py',
  'matmul_divide_gelu_triton.py',
  'softmax_cuda.py',
  'softmax_triton.py',
  'gemm_relu_divide_cuda.py',
  'mingptnewgelu_triton.py',
  'sum_reduction_over_a_dimension_triton.py',
  'relu_identity_cuda.py',
  'mingptnewgelu_linear_triton.py',
]
const FOLDER = join(packageRoot, 'bench', 'kernelbench')

type Keep = (seconds: number, verdict: Verdict) => Promise<void>

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
  const ours: NonNullable<Results['ours']> = { seconds: 0, verdicts: [], gpu: [] }
  results.ours = ours
  const started = Date.now()
  const use = watchGpu()
  await judgeOurWay(candidates, checkout, async (seconds, verdict) => {
    ours.seconds = seconds
    ours.verdicts.push(verdict)
    await writeFile(resultFile, JSON.stringify(results, null, 1))
  })
  // Who is cut off has used its time up.
  if (ours.verdicts.length < candidates.length) ours.seconds = (Date.now() - started) / 1000
  ours.gpu = (await use.stop()).slice(0, Math.ceil(LOOKS_PER_SECOND * ours.seconds))
  await writeFile(resultFile, JSON.stringify(results, null, 1))
}
for (const candidate of sampleOf(candidates)) {
  if (results.baseline[candidate.file] !== undefined || Date.now() > deadline) continue
  const judged = await judgeTheirWay(candidate, checkout)
  if (judged === null) continue
  results.baseline[candidate.file] = judged
  await writeFile(resultFile, JSON.stringify(results, null, 1))
}
report(candidates, results)

function referenceOf({ level, problem }: Candidate): string {
  return join(`level${level}`, `${problem}.py`)
}

// As `curate evaluate` judges them, with an empty cache; a result is kept as soon as it is there.
async function judgeOurWay(all: readonly Candidate[], root: string, keep: Keep): Promise<void> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'curate-kernelbench-'))
  await writeWorkerBytecode((await findPython()).python)
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

// One of each kind in turns, since KernelBench takes a minute or two for each.
function sampleOf(all: readonly Candidate[]): Candidate[] {
  return FOR_BOTH.flatMap((file) => all.filter((candidate) => candidate.file === file))
}
