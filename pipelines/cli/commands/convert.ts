import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { ONE_OFF_SETTINGS, outcomeOf, requestOf } from '../../../validators/one-off.ts'
import { findPython } from '../../../validators/python-environment.ts'
import type { Conversion } from '../../../validators/protocol.ts'
import { questionOf } from '../../../validators/validator.ts'
import { WorkerPool } from '../../../validators/worker-pool.ts'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { toCurateError } from '../../core/errors.ts'
import { makeFolder } from '../../core/folder.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { cacheFolder, readPair } from './evaluate-files.ts'
import { EXIT_CODES, languageOf } from './evaluate-pair.ts'

/** Flags of `curate convert`. */
export interface ConvertOptions {
  readonly reference: string
  readonly candidate: string
  readonly out: string
  readonly mode: 'screen' | 'standard' | 'certify'
  readonly seed?: number
}

/**
 * `curate convert`: writes a module over one CUDA extension or Triton's kernels as kernels with a launch plan, and has both judged. Exit codes: 0
 * both are right on the same calls, 1 it cannot be converted or one of them is refused, 2 nothing was proved here.
 */
export async function convert(options: ConvertOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  try {
    return await withPool(options, reporter, signal)
  } catch (error) {
    if (signal.aborted) throw error
    reporter.error(toCurateError(error))
    return EXIT_CODES.not_judged
  }
}

async function withPool(options: ConvertOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  const pair = await readPair(options)
  const request = requestOf({ ...pair, language: await languageOf(pair) })
  const settings = { ...ONE_OFF_SETTINGS, mode: options.mode, seed: options.seed ?? randomInt(2 ** 47) }
  const { python } = await findPython()
  const pool = await WorkerPool.open({ python, workers: 1, cacheFolder: cacheFolder(), signal })
  try {
    const conversion = await pool.convert(questionOf(request, settings))
    if (conversion.sources !== null) await writeSources(options.out, conversion.sources)
    const outcome = outcomeOfBoth(conversion)
    reporter.records(textOf(conversion, options.out), [{ outcome, seed: settings.seed, ...conversion }])
    return EXIT_CODES[outcome]
  } finally {
    await pool.close()
  }
}

// Paths are the judge's own: two files, none of which the candidate names.
async function writeSources(folder: string, sources: NonNullable<Conversion['sources']>): Promise<void> {
  await makeFolder(folder)
  for (const { path, content } of sources) await writeFileAtomic(join(folder, path), content)
}

function outcomeOfBoth({ sources, rows, converted_rows, agreement }: Conversion): keyof typeof EXIT_CODES {
  if (sources === null) return 'refused'
  const outcomes = [outcomeOf(rows), outcomeOf(converted_rows)]
  if (outcomes.includes('refused')) return 'refused'
  return agreement !== null && outcomes.every((outcome) => outcome === 'accepted') ? 'accepted' : 'not_judged'
}

function textOf({ sources, refusal, rows, converted_rows, agreement }: Conversion, folder: string): string {
  if (refusal !== null) return `not converted: ${refusal.cause}: ${refusal.log}`
  const told = [
    ['original', rows],
    ['converted', converted_rows],
  ] as const
  const verdicts = told.flatMap(([name, found]) =>
    found.map(
      ({ status, cause, log }) => `  ${name}: ${status}${cause === null ? '' : ` ${cause}: ${firstLine(log)}`}`,
    ),
  )
  const written = (sources ?? []).map(({ path }) => path).join(', ')
  return [`written to ${folder}: ${written}`, ...verdicts, `  ${agreementText(agreement)}`].join('\n')
}

function agreementText(agreement: Conversion['agreement']): string {
  if (agreement === null) return 'nothing says that the two agree: that takes a GPU on which both pass'
  const { num_calls, num_same_bits } = agreement
  return `both are right on the same ${num_calls} calls; ${num_same_bits} times with the same bits`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
