import { randomInt } from 'node:crypto'
import { ONE_OFF_SETTINGS } from '../../../validators/one-off.ts'
import { openValidator } from '../../../validators/validator.ts'
import { toCurateError, usageError } from '../../core/errors.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderJudgement } from '../reporter/judgement.ts'
import { evaluateBatch } from './evaluate-batch.ts'
import { cacheFolder, readPair } from './evaluate-files.ts'
import { EXIT_CODES, judgePair } from './evaluate-pair.ts'

/** Flags of `curate evaluate`. */
export interface EvaluateOptions {
  readonly reference?: string
  readonly candidate?: string
  readonly referenceDir?: string
  readonly candidates?: string
  readonly mode: 'screen' | 'standard' | 'certify'
  readonly seed?: number
  readonly workers?: number
}

/**
 * `curate evaluate`: judges a candidate against a reference, or a file of candidates against a folder of references, outside
 * any recipe. Exit codes: 0 all accepted, 1 one is refused, 2 one could not be judged.
 */
export async function evaluate(options: EvaluateOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  try {
    return await withValidator(options, reporter, signal)
  } catch (error) {
    if (signal.aborted) throw error
    reporter.error(toCurateError(error))
    return EXIT_CODES.not_judged
  }
}

async function withValidator(options: EvaluateOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  // Before a judge is started, which takes seconds.
  const given = await readGiven(options)
  // Whoever wrote the candidate shall not know it; it is told so that a verdict can be had again.
  const seed = options.seed ?? randomInt(2 ** 47)
  const settings = { ...ONE_OFF_SETTINGS, mode: options.mode, seed }
  const validator = await openValidator(settings, {
    workers: options.workers ?? null,
    cacheFolder: cacheFolder(),
    signal,
  })
  try {
    const bench = { validator, seed, reporter, times: new Map() }
    if (given.kind === 'batch') return await evaluateBatch(given, bench)
    const judgement = await judgePair(given.pair, bench)
    reporter.records(renderJudgement(judgement), [judgement])
    return EXIT_CODES[judgement.outcome]
  } finally {
    await validator.close()
  }
}

async function readGiven({ reference, candidate, referenceDir, candidates }: EvaluateOptions) {
  const given = [reference, candidate, referenceDir, candidates].filter((value) => value !== undefined).length
  if (given === 2 && reference !== undefined && candidate !== undefined) {
    return { kind: 'pair', pair: await readPair({ reference, candidate }) } as const
  }
  if (given === 2 && referenceDir !== undefined && candidates !== undefined) {
    return { kind: 'batch', referenceDir, candidates } as const
  }
  throw usageError(
    'curate evaluate takes one pair, or a folder and a file',
    'Give --reference and --candidate, or --reference-dir and --candidates.',
  )
}
