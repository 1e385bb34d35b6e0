/**
 * How far the judge can be trusted, in one table: attacks refused, their honest twins and other honest kernels accepted,
 * mutants and null kernels refused, and how soon after a hostile candidate the next one is judged right.
 * `node bench/trust.ts [--workers N] [--only fixtures|corpus|hostile] [--timing-s N] [--results FILE] [--cache FOLDER]`; an hour on two
 * cores. Judged are the folders of test/fixtures/kernels and bench/trust/*.jsonl, which were written apart from one another and
 * from the judge. What FILE holds already is not judged again; FOLDER keeps what was compiled.
 */
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { Evaluation } from '../pipelines/core/records/evaluation.ts'
import { outcomeOf } from '../validators/one-off.ts'
import type { JudgingTime, Validator } from '../validators/types.ts'
import { findPython } from '../validators/python-environment.ts'
import { validatorOn } from '../validators/validator.ts'
import { WorkerPool } from '../validators/worker-pool.ts'
import { corpusSubjects, fixtureSubjects } from './trust/subjects.ts'
import type { Subject } from './trust/subjects.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string' },
    only: { type: 'string' },
    'timing-s': { type: 'string' },
    results: { type: 'string' },
    cache: { type: 'string' },
  },
})
const { python } = await findPython()
const folder = await mkdtemp(join(tmpdir(), 'curate-trust-'))
const workers = Number(values.workers ?? 1)
const signal = new AbortController().signal
const cacheFolder = values.cache ?? join(folder, 'cache')
const pool = await WorkerPool.open({ python, workers, cacheFolder, signal })

const fixtures = await fixtureSubjects(python)
const subjects = [
  ...(values.only === 'corpus' ? [] : fixtures.filter(({ isHostile }) => isHostile || values.only !== 'hostile')),
  ...(values.only === 'fixtures' || values.only === 'hostile'
    ? []
    : await corpusSubjects(Number(values['timing-s'] ?? 1))),
]
const healthy = fixtures.find(({ name }) => name === 'fixture correct_relu_torch')
if (healthy === undefined) throw new TypeError('the fixture that is judged after hostile ones is gone')

const Known = z.object({ name: z.string(), rows: z.array(Evaluation) })
const known = new Map(
  values.results !== undefined && existsSync(values.results)
    ? readFileSync(values.results, 'utf8')
        .trim()
        .split('\n')
        .map((line) => Known.parse(JSON.parse(line)))
        .map(({ name, rows }) => [name, rows] as const)
    : [],
)

interface Judged {
  readonly subject: Subject
  readonly rows: readonly Evaluation[]
}
const judged: Judged[] = []
interface Recovery {
  readonly name: string
  /** What it took to end all of the hostile one and to start every process for the next. */
  readonly startSeconds: number
  readonly verdictSeconds: number
  readonly isRight: boolean
}
const recoveries: Recovery[] = []

// Hostile ones last and one after another, so that what follows each is known.
const queue = subjects.filter(({ isHostile }) => !isHostile)
await Promise.all(Array.from({ length: workers }, judgeAll))
for (const subject of subjects.filter(({ isHostile }) => isHostile)) {
  const { end_process = 0 } = await judge(subject)
  const start = performance.now()
  const validator = validatorOn(pool, healthy.settings)
  const rows = await validator.evaluate(healthy.request)
  const verdictSeconds = (performance.now() - start) / 1000
  const startSeconds = end_process + (secondsOf(validator)['start_process'] ?? 0)
  const isRight = rows.every(({ status }) => status === 'PASSED')
  recoveries.push({ name: subject.name, startSeconds, verdictSeconds, isRight })
}
await pool.close()
await rm(folder, { recursive: true, force: true })
report()

async function judgeAll(): Promise<void> {
  for (let subject = queue.shift(); subject !== undefined; subject = queue.shift()) await judge(subject)
}

async function judge(subject: Subject): Promise<JudgingTime['seconds']> {
  const validator = validatorOn(pool, subject.settings)
  const rows = known.get(subject.name) ?? (await validator.evaluate(subject.request))
  judged.push({ subject, rows })
  if (values.results !== undefined && !known.has(subject.name))
    await appendFile(values.results, `${JSON.stringify({ name: subject.name, rows })}\n`)
  const [first] = rows
  const state = isAsItShould({ subject, rows }) ? 'good' : 'LOOK'
  console.error(
    `${state} ${judged.length}/${subjects.length} ${subject.kind} ${subject.name} ${first?.cause ?? first?.status}`,
  )
  return secondsOf(validator)
}

function secondsOf(validator: Pick<Validator, 'takeTimes'>): JudgingTime['seconds'] {
  return validator.takeTimes()[0]?.seconds ?? {}
}

function isAsItShould({ subject, rows }: Judged): boolean {
  const outcome = outcomeOf(rows)
  if (subject.kind === 'other') return true
  if (subject.kind === 'honest') return outcome === 'accepted' || rows.every(({ status }) => status === 'NOT_RUN')
  const gains = rows.some(({ performance }) => (performance?.speedup ?? 0) > (subject.maxSpeedup ?? 0))
  return outcome !== 'accepted' || (subject.maxSpeedup !== null && !gains)
}

function report(): void {
  console.log('| what | result | not so |\n| --- | --- | --- |')
  const attacks = judged.filter(({ subject }) => subject.kind === 'attack')
  const honest = judged.filter(({ subject, rows }) => subject.kind === 'honest' && rows.some(isRun))
  const twins = honest.filter(({ subject }) => subject.isTwin)
  line('attacks refused', attacks)
  line('of these from test/fixtures/kernels', attacks.filter(isFixture))
  line('honest twins accepted', twins)
  line('honest kernels accepted', honest)
  const proved = tasksOf(({ rows }) => rows.some(({ status }) => status === 'PASSED'))
  const weak = tasksOf(({ rows }) => rows.some(({ cause }) => cause === 'LOW_POWER'))
  console.log(`| tasks that judge, on each of which every null kernel is refused | ${proved} | |`)
  console.log(`| tasks on which one passes, so that nobody is judged on them | ${weak} | |`)
  const mutants = mutantsOf(judged)
  console.log(`| mutants refused | ${mutants.refused}/${mutants.all} (${share(mutants.refused, mutants.all)}) | |`)
  const right = recoveries.filter(({ isRight }) => isRight)
  const wrong = recoveries.filter(({ isRight }) => !isRight).map(({ name }) => name)
  console.log(
    `| the next one after a hostile one is right | ${right.length}/${recoveries.length} | ${wrong.join(', ')} |`,
  )
  seconds(
    'seconds until it has started',
    recoveries.map(({ startSeconds }) => startSeconds),
  )
  seconds(
    'seconds until its verdict',
    recoveries.map(({ verdictSeconds }) => verdictSeconds),
  )
  for (const { subject, rows } of judged.filter((item) => !isAsItShould(item))) {
    const verdicts = rows.map(({ status, cause, log }) => `${status} ${cause ?? ''} ${log}`)
    console.log(`\n${subject.kind} ${subject.name}: ${verdicts.join('; ')}`)
  }
}

function seconds(what: string, found: readonly number[]): void {
  const sorted = found.toSorted((first, second) => first - second)
  const [median, most] = [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted.at(-1) ?? 0]
  console.log(`| ${what}, median and most | ${median.toFixed(2)}, ${most.toFixed(2)} | |`)
}

function line(what: string, chosen: readonly Judged[]): void {
  const bad = chosen.filter((item) => !isAsItShould(item)).map(({ subject }) => subject.name)
  console.log(`| ${what} | ${chosen.length - bad.length}/${chosen.length} | ${bad.join(', ')} |`)
}

function isRun({ status }: Evaluation): boolean {
  return status !== 'NOT_RUN'
}

function isFixture({ subject }: Judged): boolean {
  return subject.name.startsWith('fixture ')
}

function tasksOf(test: (item: Judged) => boolean): number {
  return new Set(judged.filter(test).map(({ subject }) => subject.request.task.id)).size
}

// Of every task once: "11 of 12 refused".
function mutantsOf(items: readonly Judged[]): { refused: number; all: number } {
  const found = new Map<string, readonly [number, number]>()
  for (const { subject, rows } of items)
    for (const check of rows.flatMap(({ checks }) => checks).filter(({ check: name }) => name.startsWith('mutants@'))) {
      const [refused, all] = (check.detail ?? '').match(/\d+/g) ?? []
      if (all !== undefined) found.set(subject.request.task.id, [Number(refused), Number(all)])
    }
  const pairs = [...found.values()]
  return {
    refused: pairs.reduce((sum, [refused]) => sum + refused, 0),
    all: pairs.reduce((sum, [, all]) => sum + all, 0),
  }
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`
}
