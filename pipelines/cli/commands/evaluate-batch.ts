import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { jsonl } from '../../../extractors/imports/jsonl.ts'
import type { ImportedRow } from '../../../extractors/types.ts'
import { CurateError, usageError } from '../../core/errors.ts'
import { formatCount } from '../reporter/units.ts'
import { printableName } from '../reporter/printable-text.ts'
import { renderJudgement } from '../reporter/judgement.ts'
import type { Judgement } from '../reporter/judgement.ts'
import { readText, requireLines } from './evaluate-files.ts'
import { EXIT_CODES, judgePair } from './evaluate-pair.ts'
import type { Bench } from './evaluate-pair.ts'

/** One line of the file of candidates. */
const Line = z.object({
  id: z.union([z.string(), z.number()]).optional().describe('Name of the candidate in the output; its line by default'),
  task: z.string().describe('File of the reference in the folder, with or without `.py`'),
  code: z.string().describe('The implementation: Python with `ModelNew`'),
})

/** Judges every line of a file of candidates against references of a folder; results come in the order of the lines. */
export async function evaluateBatch(
  files: { referenceDir: string; candidates: string },
  bench: Bench,
): Promise<number> {
  const folder = await realpath(files.referenceDir).catch(() => {
    throw usageError(`there is no folder ${files.referenceDir}`, 'Name a folder of references with --reference-dir.')
  })
  await requireLines(files.candidates)
  const counts = { accepted: 0, refused: 0, not_judged: 0 }
  const running: Promise<Named>[] = []
  for await (const row of jsonl.read(files.candidates, jsonl.options.parse({}), [])) {
    const judged = judgeLine(row, folder, bench)
    // Whoever waits for it meets a failure; until then it is not one that nobody handles.
    judged.catch(() => {})
    running.push(judged)
    // What was read and not judged yet stays small, however long the file is.
    if (running.length > bench.validator.concurrency + READ_AHEAD) counts[await show(running, bench)] += 1
  }
  while (running.length > 0) counts[await show(running, bench)] += 1
  const total = counts.accepted + counts.refused + counts.not_judged
  bench.reporter.note(
    `${formatCount(total, 'candidate')}: ${counts.accepted} accepted, ${counts.refused} refused, ${counts.not_judged} not judged`,
  )
  // Of nothing nobody can say that it was accepted.
  if (counts.not_judged > 0 || total === 0) return EXIT_CODES.not_judged
  return counts.refused > 0 ? EXIT_CODES.refused : EXIT_CODES.accepted
}

// What those ahead want built is built while others are judged.
const READ_AHEAD = 64

interface Named {
  readonly id: string
  readonly task: string | null
  readonly judgement: Judgement
}

async function show(running: Promise<Named>[], { reporter }: Bench): Promise<Judgement['outcome']> {
  const next = running.shift()
  if (next === undefined) throw new TypeError('nothing is running')
  const { id, task, judgement } = await next
  const text = `${printableName(id)}: ${renderJudgement(judgement)}`
  reporter.records(text, [{ id, task, ...judgement }])
  return judgement.outcome
}

// What one line asks too much of may be little for the next.
const OF_ONE_LINE = new Set(['reference_missing', 'usage', 'device_out_of_memory', 'worker_lost'])

// What is wrong with one line concerns that line alone.
async function judgeLine(row: ImportedRow, folder: string, bench: Bench): Promise<Named> {
  const line = `line ${row.row}`
  if (!('value' in row)) return unjudged(line, null, `${row.reason}: ${row.detail}`, bench)
  const parsed = Line.safeParse(row.value)
  if (!parsed.success) return unjudged(line, null, `not a candidate: ${z.prettifyError(parsed.error)}`, bench)
  const { id = line, task, code } = parsed.data
  try {
    const reference = await readReference(folder, task)
    return { id: String(id), task, judgement: await judgePair({ reference, code }, bench, { isAhead: true }) }
  } catch (error) {
    if (!(error instanceof CurateError) || !OF_ONE_LINE.has(error.code)) throw error
    return unjudged(String(id), task, error.message, bench)
  }
}

function unjudged(id: string, task: string | null, reason: string, { seed }: Bench): Named {
  return { id, task, judgement: { outcome: 'not_judged', seed, evaluations: [], reason } }
}

async function readReference(folder: string, task: string): Promise<string> {
  const path = await realpath(join(folder, task.endsWith('.py') ? task : `${task}.py`)).catch(() => null)
  if (path?.startsWith(folder + sep) === true) return await readText(path)
  throw new CurateError('reference_missing', `there is no reference ${printableName(task)} in ${folder}`, {
    hint: 'Name a file of the folder.',
  })
}
