import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { FoundPair } from '../../../extractors/pairing/repository-pairing.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { findPython } from '../../../validators/python-environment.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'
import type { PairedFixture } from './paired-fixture.ts'

// Each folder holds a repository and what must be found in it; see test/fixtures/pairing/README.md.
const FIXTURES = join(import.meta.dirname, '../../fixtures/pairing/pairs')

const Summary = z.strictObject({
  name: z.string(),
  method: z.string(),
  kernels: z.array(z.string()),
  test: z.string(),
  expression: z.string(),
  confidence: z.number(),
  tolerance: z.strictObject({ atol: z.number().nullable(), rtol: z.number().nullable() }).nullable(),
  workloads: z.array(z.record(z.string(), z.string())),
  requires: z.array(z.string()),
})
type Summary = z.infer<typeof Summary>

const Expected = z.strictObject({
  options: z.record(z.string(), z.unknown()).default({}),
  pairs: z.array(
    Summary.extend({
      /** Lines, spaces at their ends aside, that a program must or must not hold. */
      reference_holds: z.array(z.string()).default([]),
      candidate_holds: z.array(z.string()).default([]),
      candidate_lacks: z.array(z.string()).default([]),
    }),
  ),
  unpaired: z.record(z.string(), z.string()).default({}),
})

const names = await readdir(FIXTURES)

describe.each(names)('pairing %s', (name) => {
  test('finds what is expected, with its evidence, and says why the rest is left', async () => {
    const expected = await expectedOf(name)
    const paired = await pairOf(name)
    expect(paired.pairs.map((found) => summaryOf(found, paired.entryPoints))).toEqual(
      expected.pairs.map((each) => Summary.strip().parse(each)),
    )
    for (const [at, { pair }] of paired.pairs.entries()) {
      const wanted = expected.pairs[at]
      expect(linesOf(pair.reference)).toEqual(expect.arrayContaining(wanted?.reference_holds ?? []))
      expect(linesOf(pair.candidate)).toEqual(expect.arrayContaining(wanted?.candidate_holds ?? []))
      const lacked = linesOf(pair.candidate).filter((line) => wanted?.candidate_lacks.includes(line))
      expect(lacked).toEqual([])
    }
    const unpaired = paired.unpaired.map(({ kernel, reason }) => [kernel.entry_point, reason])
    expect(Object.fromEntries(unpaired)).toEqual(expected.unpaired)
  })
})

describe('the two programs of a pair', () => {
  test('run by themselves and agree, for every workload', { timeout: 240_000 }, async () => {
    const pairs: FoundPair[] = []
    for (const name of names) pairs.push(...(await pairOf(name)).pairs)
    const written = pairs
      .filter(({ pair }) => pair.language === 'triton')
      .map(({ pair }) => ({
        name: pair.name,
        reference: pair.reference,
        candidate: pair.candidate,
        workloads: pair.workloads,
      }))
    const { python } = await findPython()
    const run = await runProcess(python, [join(import.meta.dirname, 'run_pairs.py'), await temporaryFolder()], {
      env: { TRITON_INTERPRET: '1' },
      input: JSON.stringify(written),
    })
    expect(run.stderr).toBe('')
    const results = z.array(z.union([z.string(), z.array(z.number())])).parse(JSON.parse(run.stdout))
    const failed = results.flatMap((result, at) => (isAgreement(result) ? [] : [[written[at]?.name, result]]))
    expect(failed).toEqual([])
    expect(results.length).toBeGreaterThanOrEqual(9)
  })
})

function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.trim())
}

function isAgreement(result: string | readonly number[]): boolean {
  return typeof result !== 'string' && result.length > 0 && result.every((difference) => difference < 1e-3)
}

async function pairOf(name: string): Promise<PairedFixture> {
  const { options } = await expectedOf(name)
  return pairFixture(await folderRepository(join(FIXTURES, name, 'repository')), options)
}

async function expectedOf(name: string): Promise<z.infer<typeof Expected>> {
  return Expected.parse(parse(await readFile(join(FIXTURES, name, 'expected.yaml'), 'utf8')))
}

function summaryOf({ pair, method }: FoundPair, entryPoints: PairedFixture['entryPoints']): Summary {
  const { name, evidence, tolerance, workloads } = pair
  return {
    name,
    method: method.replace(/@.*/, ''),
    kernels: pair.kernelIds.map((id) => entryPoints.get(id) ?? id),
    test: `${evidence.path}::${evidence.symbol}:${evidence.line}`,
    expression: evidence.expression,
    confidence: evidence.confidence,
    tolerance,
    workloads: workloads.map((workload) => ({ ...workload })),
    requires: [...new Set([...pair.referenceRequires, ...pair.candidateRequires])],
  }
}
