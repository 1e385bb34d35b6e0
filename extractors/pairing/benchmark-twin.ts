import { z } from 'zod'
import type { Pair, PairEvidence, PairingInput, PairingMethod, SourcePiece } from '../types.ts'
import { twinScripts } from './benchmark-twins.ts'
import type { TwinScript } from './benchmark-twins.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import type { TestCode } from './test-code.ts'
import { testsOf } from './test-functions.ts'
import { openPairing, pairTests } from './test-pairing.ts'
import type { PairingSettings, TestFinder } from './test-pairing.ts'

const Options = z.strictObject(TEST_OPTIONS)

/**
 * Finds pairs in scripts that measure one function after another on the same tensors, kernels and PyTorch's own: `bench(lib.add, a, b,
 * c)` and `bench(torch.add, a, b)`. Weaker evidence than a test, since nothing compares; running both decides.
 */
export const benchmarkTwin: PairingMethod<z.infer<typeof Options>> = {
  id: 'benchmark-twin',
  version: 13,
  summary: 'Scripts that measure a kernel and a function of PyTorch on the same tensors',
  options: Options,
  async findPairs(input, options) {
    const settings = pairingSettings(options)
    // Past states are followed by the tests that are known to compare.
    const scripts = input.searched === undefined ? await scriptsOf(input, settings) : new Map<string, TwinScript>()
    if (scripts.size === 0) return { pairs: [], refusals: [] }
    const texts = new Set([...scripts.values()].map(({ text }) => text))
    const files = new Map([...input.files, ...[...scripts].map(([path, { text }]) => [path, text] as const)])
    const finder: TestFinder = {
      mayHold: (text) => texts.has(text),
      read: (project, module) => testsOf(project, module).flatMap((test) => measuredIn(test, scripts)),
    }
    const found = await pairTests({ ...input, files }, settings, () => undefined, finder)
    return {
      pairs: found.pairs.map((pair) => toPair(pair, scripts)),
      refusals: found.refusals.map((refusal) => ({
        ...refusal,
        detail: refusal.detail === null ? null : withoutMarks(refusal.detail),
        evidence: refusal.evidence === null ? null : toEvidence(refusal.evidence, scripts),
      })),
    }
  },
}

// A script of its own for every measurement stands beside the one it was made of: `bench.py` becomes `bench~3.py`.
async function scriptsOf(input: PairingInput, settings: PairingSettings): Promise<Map<string, TwinScript>> {
  const { project } = await openPairing(input, settings)
  const found = project.paths.flatMap((path) =>
    twinScripts(project, path).map((script, at): [string, TwinScript] => [path.replace(/\.py$/, `~${at}.py`), script]),
  )
  return new Map(found.slice(0, MAX_SCRIPTS))
}

// The repository that measures most in this way has 200 kernels.
const MAX_SCRIPTS = 2000

function withoutMarks(text: string): string {
  return text.replaceAll(/~\d+\b/g, '')
}

// Of what a script compares only what it was made for.
function measuredIn(test: TestCode, scripts: ReadonlyMap<string, TwinScript>): TestCode[] {
  const line = scripts.get(test.module.path)?.line
  const comparisons = test.comparisons.filter(
    ({ call }) => call.frame.module === test.module && test.module.file.lineOf(call.node.start) === line,
  )
  return comparisons.length === 0 ? [] : [{ ...test, comparisons }]
}

function toPair(pair: Pair, scripts: ReadonlyMap<string, TwinScript>): Pair {
  const name = scripts.get(pair.evidence.path)?.name ?? pair.name
  return {
    ...pair,
    name,
    // The comparison is ours, and so is its tolerance.
    tolerance: null,
    referencePieces: pair.referencePieces.map(toPiece),
    candidatePieces: pair.candidatePieces.map(toPiece),
    evidence: toEvidence(pair.evidence, scripts),
  }
}

function toPiece(piece: SourcePiece): SourcePiece {
  return { ...piece, path: withoutMarks(piece.path) }
}

// Set by hand below that of a comparison that somebody wrote; not measured.
const MAX_CONFIDENCE = 0.75

function toEvidence(evidence: PairEvidence, scripts: ReadonlyMap<string, TwinScript>): PairEvidence {
  const script = scripts.get(evidence.path)
  const { reference, symbol } = evidence
  return {
    ...evidence,
    path: withoutMarks(evidence.path),
    symbol: symbol === null ? null : withoutMarks(symbol),
    line: script?.line ?? evidence.line,
    expression: script?.expression ?? evidence.expression,
    confidence: Math.min(evidence.confidence, MAX_CONFIDENCE),
    reference: { ...reference, path: withoutMarks(reference.path) },
  }
}
