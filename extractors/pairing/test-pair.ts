import { numeric } from '../python/values.ts'

import type { MinedKernel, Pair, PairEvidence, PairingRefusal } from '../types.ts'
import { confidenceOf } from './confidence.ts'
import { contentRefusal } from './content-refusal.ts'
import { passes, valueOf } from './interpretation.ts'
import { pairProgram } from './pair-program.ts'
import type { PairProgram } from './pair-program.ts'
import { namedKernels } from './name-overlap.ts'
import { guardedPackage } from './guarded-imports.ts'
import { withoutExpectedInputs, withoutPassedThrough } from './input-expectation.ts'
import { planProgram } from './program-plan.ts'
import type { PlanScope } from './program-plan.ts'
import { isComputed, oneLine, referencePlace } from './reference-place.ts'
import type { RefusalReason } from './refusals.ts'
import { findDefect } from './self-check.ts'
import { comparesNothing, gradientPair } from './gradient-pair.ts'
import { codeOf, sideCode } from './side-code.ts'
import { splitComparison } from './side-split.ts'
import type { SplitComparison } from './side-code.ts'
import type { RefusedComparison } from './side-split.ts'
import { effectsOf } from './step-effects.ts'
import { unreadArguments } from './identities.ts'
import { groupSplits } from './split-groups.ts'
import type { Code, TestCode, TestComparison } from './test-code.ts'
import { testName } from './test-name.ts'
import { planScope } from './test-scope.ts'
import type { KernelSide, KernelSideOf } from './test-scope.ts'
import type { PairingScope } from './test-pairing.ts'
import { parameterSets, valueAxes, variantsOf, workloadsOf } from './workloads.ts'
import type { Variant } from './workloads.ts'

interface Found {
  readonly pairs: Pair[]
  readonly refusals: PairingRefusal[]
}

// A generated test of thousands of lines says nothing after its first hundreds that it has not said before.
const MAX_COMPARISONS = 500

// What cutting out, writing and checking both programs costs, compared with looking at one part of the code.
const PROGRAM_STEPS = 10_000

// Reference classes or modes that one test is run for; each gives a task of its own.
const MAX_VARIANTS = 8

const PLAIN_SIDE: KernelSide = { reached: () => [], edits: () => [], symbols: new Map(), contexts: new Set() }

/** Pairs from one test: one for every set of comparisons that share their calls and every reference that it is run for. */
export async function pairTest(
  scope: PairingScope,
  written: TestCode,
  sideOf: KernelSideOf = () => PLAIN_SIDE,
): Promise<Found> {
  const unread = unreadArguments(scope.project, written, new Set(scope.settings.identities))
  const test = unread.size === 0 ? written : { ...written, unread }
  const effects = effectsOf(scope.project, test)
  const found: Found = { pairs: [], refusals: [] }
  for (const variant of variantsOf(valueAxes(test), MAX_VARIANTS)) {
    const { maxWorkloads } = scope.settings
    const { project, meter } = scope
    const sets = parameterSets({ project, test, effects, guards: [], meter }, variant, maxWorkloads)
    if (sets.length === 0) continue
    const { plan, side } = planScope(scope, test, effects, sets, sideOf)
    const splits: SplitComparison[] = []
    const gradients: TestComparison[] = []
    for (const [at, comparison] of test.comparisons.entries()) {
      meter.spend(test.steps.length)
      if (at >= MAX_COMPARISONS || meter.isSpent()) {
        giveUp(plan, test.comparisons.slice(at), found)
        break
      }
      if (comparison.guards.some((guard) => passes(scope.project, test, guard, plan.known) === false)) continue
      const split = splitComparison(plan, comparison)
      if ('reason' in split) refuseComparison(plan, comparison, split, found)
      else splits.push(split)
      const isGradient = 'reason' in split && split.reason === 'gradient_only'
      if (isGradient && !comparesNothing(plan, comparison)) gradients.push(comparison)
    }
    for (const group of groupSplits(plan, withoutPassedThrough(plan, splits))) {
      await addPair(scope, plan, variant, withoutExpectedInputs(plan, group), gradients, found, side)
    }
    explainGradients(plan, splits, found)
  }
  return found
}

// What nobody can run must at least be likely. Set by hand, on the few wrong pairs that were found by reading; not measured on others.
const MIN_CONFIDENCE = 0.7

function isSure(evidence: PairEvidence | null): boolean {
  return evidence !== null && evidence.confidence >= MIN_CONFIDENCE
}

// Gradients of two sides are evidence for the kernels of the one, though nothing is cut out.
function refuseComparison(plan: PlanScope, comparison: TestComparison, refused: RefusedComparison, found: Found): void {
  const { split, kernels, reason, detail } = refused
  const isClear =
    split !== null &&
    kernels.length <= MAX_CLEAR_KERNELS &&
    contentRefusal(plan, [split]) === null &&
    isComputed(plan, split)
  const evidence = isClear ? evidenceOf(plan, [split], kernels) : null
  const named = new Set(split !== null && isClear ? namedKernels(plan, [split]) : [])
  refuse(found, kernels, reason, place(plan.test, comparison, detail), evidence, named)
}

// What the rest of the test reaches is told once, so that its kernels have a reason.
function giveUp(plan: PlanScope, rest: readonly TestComparison[], found: Found): void {
  const [next] = rest
  if (next === undefined) return
  const codes = [...codeOf(plan, plan.test.steps.keys()), ...rest.flatMap(({ left, right }) => [left, right])]
  refuse(found, plan.reachBackward(codes), 'too_much_work', place(plan.test, next, null), null, new Set())
}

async function addPair(
  scope: PairingScope,
  plan: PlanScope,
  variant: Variant,
  splits: readonly SplitComparison[],
  gradients: readonly TestComparison[],
  found: Found,
  { edits, symbols }: KernelSide,
): Promise<void> {
  const kernels = [...new Set(splits.flatMap((split) => split.kernels))]
  const [first] = splits
  if (first === undefined) return
  if (kernels.length > MAX_KERNELS)
    return refuse(found, kernels, 'whole_model', place(plan.test, first.comparison, null), null, new Set())
  const content = contentRefusal(plan, splits)
  const evidence = content === null ? evidenceOf(plan, splits, kernels) : null
  // What cannot be cut out and run must at least be plain to see.
  const isClear = kernels.length <= MAX_CLEAR_KERNELS && isComputed(plan, first)
  const named = new Set(isClear && evidence !== null ? namedKernels(plan, splits) : [])
  const fail = (reason: RefusalReason, detail: string | null): void =>
    refuse(found, kernels, reason, place(plan.test, first.comparison, detail), evidence, named)
  if (content !== null) return fail(content.reason, content.detail)
  const guarded = guardedPackage(scope, plan, splits)
  if (guarded !== null) return fail('third_party_import', guarded)
  const planned = planProgram(plan, splits)
  if ('reason' in planned) return fail(planned.reason, planned.detail)
  scope.meter.spend(PROGRAM_STEPS)
  if (scope.meter.isSpent()) return fail('too_much_work', null)
  const request = {
    scope: plan,
    plan: planned,
    collect: scope.collect,
    collectReference: scope.collectReference,
    kernelEdits: edits,
    kernelSymbols: symbols,
  }
  const program = pairProgram(request)
  if ('reason' in program) return fail(program.reason, program.detail)
  const defect =
    (await findDefect(program.reference.text, ['Model', 'get_inputs', 'get_init_inputs'])) ??
    (await findDefect(program.candidate.text, ['ModelNew']))
  if (defect !== null) return fail('invalid_result', defect)
  const foreign = kernels.find(({ path }) => !path.endsWith('.py') && !holdsFile(program, path))
  if (foreign !== undefined) return fail('native_build', `${foreign.path} is compiled by an installer`)
  const absent = kernels.find((kernel) => !holdsKernel(program, kernel))
  if (absent !== undefined)
    return fail('invalid_result', `${absent.symbol} is reached by a name that only running it tells`)
  const pair = evidence === null ? null : toPair(scope, plan, variant, splits, program, kernels, evidence)
  if (pair === null) return fail('invalid_result', 'no kernel is left in the candidate')
  found.pairs.push(pair)
  const [comparison] = gradients
  if (comparison === undefined) return
  const gradient = pairProgram({ ...request, collect: scope.collectBackward })
  if ('reason' in gradient) return
  const { candidate } = gradient
  const reached = plan.reachBackward(splits.flatMap(({ kernel }) => sideCode(plan, kernel)))
  const outputs = planned.kernel.outputs
  const differentiated = gradientPair({ test: plan.test, pair, candidate, outputs, kernels: reached, comparison })
  if (differentiated !== null && (await findDefect(differentiated.candidate, ['ModelNew'])) === null)
    found.pairs.push(differentiated)
}

function holdsFile({ candidate }: PairProgram, path: string): boolean {
  return candidate.pieces.some((piece) => piece.path === path)
}

function holdsKernel({ candidate }: PairProgram, { path, startLine, endLine }: MinedKernel): boolean {
  return candidate.pieces.some(
    (piece) => piece.path === path && piece.startLine <= startLine && endLine <= piece.endLine,
  )
}

function toPair(
  scope: PairingScope,
  plan: PlanScope,
  variant: Variant,
  splits: readonly SplitComparison[],
  program: PairProgram,
  kernels: readonly MinedKernel[],
  evidence: PairEvidence,
): Pair | null {
  const [first] = splits
  const entries = kernels.filter(({ role }) => role === 'entry')
  const [main] = entries
  if (first === undefined || main === undefined) return null
  const { test, effects, project } = plan
  const { meter } = scope
  const guards = splits.flatMap(({ comparison }) => comparison.guards)
  const sets = parameterSets({ project, test, effects, guards, meter }, variant, scope.settings.maxWorkloads)
  return {
    name: testName(test, plan.known),
    reference: program.reference.text,
    referencePieces: program.reference.pieces,
    referenceRequires: program.reference.requires,
    candidate: program.candidate.text,
    candidatePieces: program.candidate.pieces,
    candidateRequires: program.candidate.requires,
    workloads: workloadsOf(sets, program.constants),
    tolerance: toleranceOf(plan, first.comparison),
    kernelIds: entries.map(({ id }) => id),
    language: main.language,
    evidence,
  }
}

function evidenceOf(
  plan: PlanScope,
  splits: readonly SplitComparison[],
  kernels: readonly MinedKernel[],
): PairEvidence | null {
  const [first] = splits
  if (first === undefined) return null
  const { test } = plan
  const { call } = first.comparison
  const { file } = call.frame.module
  const entries = kernels.filter(({ role }) => role === 'entry')
  return {
    // A comparison in a helper of another file is named by the test that calls it.
    path: test.module.path,
    symbol: test.name,
    line: call.frame.module.path === test.module.path ? file.lineOf(call.node.start) : test.line,
    expression: oneLine(call),
    confidence: confidenceOf(plan, splits, entries),
    reference: referencePlace(plan, first),
  }
}

function toleranceOf(plan: PlanScope, { atol, rtol }: TestComparison): Pair['tolerance'] {
  const number = (code: Code | null): number | null => {
    const value = code === null ? null : valueOf(plan.project, plan.test, code, plan.known)
    const known = value === null ? null : numeric(value)
    return known !== null && Number.isFinite(known) ? known : null
  }
  const tolerance = { atol: number(atol), rtol: number(rtol) }
  return tolerance.atol === null && tolerance.rtol === null ? null : tolerance
}

// A comparison that reaches much of a library, such as one of a function that switches everything on, says nothing about each
// kernel of it.
const MAX_KERNELS = 30
const MAX_CLEAR_KERNELS = 10

function refuse(
  found: Found,
  kernels: readonly MinedKernel[],
  reason: RefusalReason,
  detail: string,
  evidence: PairEvidence | null,
  named: ReadonlySet<MinedKernel>,
): void {
  const isWhole = kernels.length > MAX_KERNELS
  const told = isWhole
    ? { reason: 'whole_model' as const, detail: `${detail}: ${kernels.length} kernels` }
    : { reason, detail }
  for (const kernel of kernels) {
    const own = !isWhole && named.has(kernel) && isSure(evidence) ? evidence : null
    found.refusals.push({ kernelId: kernel.id, ...told, evidence: own })
  }
}

// A test that compares results and their gradients with one reference: the kernels that only the backward pass runs have it too.
function explainGradients(plan: PlanScope, splits: readonly SplitComparison[], found: Found): void {
  const isOpen = (refusal: PairingRefusal): boolean => refusal.reason === 'gradient_only' && refusal.evidence === null
  if (!found.refusals.some(isOpen)) return
  for (const split of splits) {
    if (contentRefusal(plan, [split]) !== null) continue
    const steps = [...split.kernel.steps, ...[...split.kernel.modules].flatMap((name) => plan.modules.get(name) ?? [])]
    const reached = plan.reachBackward([split.kernel.output, ...codeOf(plan, steps)])
    const ids = new Set(namedKernels(plan, [{ ...split, kernels: reached }]).map(({ id }) => id))
    for (const [at, refusal] of found.refusals.entries()) {
      const evidence = isOpen(refusal) && ids.has(refusal.kernelId) ? evidenceOf(plan, [split], reached) : null
      if (isSure(evidence)) found.refusals[at] = { ...refusal, evidence }
    }
  }
}

function place(test: TestCode, { call }: TestComparison, detail: string | null): string {
  const { file } = call.frame.module
  const where = `${file.path}:${file.lineOf(call.node.start)} in ${test.name}`
  return detail === null ? where : `${where}: ${detail}`
}
