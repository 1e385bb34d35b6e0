import { textOf } from '../python/syntax.ts'
import type { MinedKernel, Pair } from '../types.ts'
import { oneLine } from './reference-place.ts'
import type { SplitScope } from './side-code.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, TestCode, TestComparison } from './test-code.ts'
import type { ProgramSide } from './pair-program.ts'

/** A pair, and its implementation once more with the backward halves of its autograd functions. */
export interface GradientRequest {
  readonly test: TestCode
  readonly pair: Pair
  readonly candidate: ProgramSide
  /** What the implementation gives, in order. */
  readonly outputs: readonly Code[]
  /** Kernels that the implementation reaches in either direction. */
  readonly kernels: readonly MinedKernel[]
  /** A comparison of gradients that the test makes. */
  readonly comparison: TestComparison
}

/**
 * The task of differentiating what a pair computes: both programs give the gradients of the inputs that the test differentiates, the
 * reference by PyTorch's own, the implementation by its backward kernels. Gradients of results of different meaning differ, so what flows
 * back is the same for both and depends on no result: a cosine of the position. Null where no kernel runs only backward, or where the
 * test differentiates none of the inputs.
 */
export function gradientPair({ test, pair, candidate, outputs, kernels, comparison }: GradientRequest): Pair | null {
  const held = (kernel: MinedKernel): boolean =>
    candidate.pieces.some(
      ({ path, startLine, endLine }) =>
        path === kernel.path && startLine <= kernel.startLine && kernel.endLine <= endLine,
    )
  const backward = kernels.filter(
    (kernel) => kernel.role === 'entry' && held(kernel) && !pair.kernelIds.includes(kernel.id),
  )
  const [main] = backward
  const inputs = inputsOf(pair.reference)
  const differentiated = inputs.filter((name) => isDifferentiated(test, name))
  if (main === undefined || differentiated.length === 0) return null
  const results = differentiatedResults(test, outputs)
  const reference = withGradients(pair.reference, 'Model', inputs, differentiated, results)
  const implementation = withGradients(candidate.text, 'ModelNew', inputs, differentiated, results)
  if (reference === null || implementation === null) return null
  const { call } = comparison
  const { file } = call.frame.module
  const line = call.frame.module === test.module ? file.lineOf(call.node.start) : test.line
  return {
    ...pair,
    name: `${pair.name}_backward`,
    reference: withoutHistory(reference, differentiated),
    candidate: implementation,
    candidatePieces: candidate.pieces,
    candidateRequires: candidate.requires,
    kernelIds: backward.map(({ id }) => id),
    language: main.language,
    tolerance: null,
    evidence: { ...pair.evidence, line, expression: oneLine(call) },
  }
}

/** Whether what is compared is what `loss.backward()` gives, which is nothing: no evidence that any gradient is right. */
export function comparesNothing({ test, effects }: SplitScope, { left, right, position }: TestComparison): boolean {
  return [left, right].some(({ frame, node }) => {
    const { file } = frame.module
    if (node.type !== 'identifier') return BACKWARD.test(textOf(file, node))
    const name = canonical(test, variable(frame, textOf(file, node)))
    const at = effects.findLastIndex(({ defines }, step) => step < position && defines.has(name))
    const made = test.steps[at]
    return made !== undefined && BACKWARD.test(textOf(made.frame.module.file, made.node))
  })
}

const BACKWARD = /^(?:\w+\s*=\s*)?[\w.]+\.backward\([^()]*\)$/

function inputsOf(reference: string): string[] {
  const [, names = ''] =
    /^class Model\(torch\.nn\.Module\):[^]*?^ {4}def forward\(self(?:, ([^)]*))?\):/m.exec(reference) ?? []
  return names.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
}

// `x.grad` is read, or a statement of the test that asks for gradients names it.
function isDifferentiated({ steps, comparisons }: TestCode, name: string): boolean {
  const codes = [...steps, ...comparisons.flatMap(({ left, right }) => [left, right])]
  const mention = new RegExp(`(?<![\\w.])${name}(?!\\w)`)
  return codes.some(({ frame, node }) => {
    const text = textOf(frame.module.file, node)
    return (
      new RegExp(`(?<![\\w.])${name}\\.grad\\b`).test(text) || (text.includes('requires_grad') && mention.test(text))
    )
  })
}

// Places of the results that the test goes backward from: kernels may know no gradient of the others. Empty where that is all of them, or
// cannot be told.
function differentiatedResults({ steps }: TestCode, outputs: readonly Code[]): number[] {
  const texts = steps.map(({ frame, node }) => textOf(frame.module.file, node))
  const names = new Set(texts.filter((text) => /\.backward\(|autograd\.grad\(/.test(text)).flatMap(identifiersIn))
  for (const text of texts.toReversed()) {
    const [, targets = '', value = ''] = /^([\w, ()]+)=(?!=)([^]*)$/.exec(text) ?? []
    if (identifiersIn(targets).some((name) => names.has(name))) identifiersIn(value).forEach((name) => names.add(name))
  }
  const places = outputs.flatMap(({ frame, node }, at) =>
    identifiersIn(textOf(frame.module.file, node)).some((name) => names.has(name)) ? [at] : [],
  )
  return places.length === outputs.length ? [] : places
}

function identifiersIn(text: string): string[] {
  return text.match(/[A-Za-z_]\w*/g) ?? []
}

// The class keeps its work under another name.
function withGradients(
  text: string,
  name: 'Model' | 'ModelNew',
  inputs: readonly string[],
  differentiated: readonly string[],
  results: readonly number[],
): string | null {
  const head = `class ${name}(torch.nn.Module):`
  const at = text.lastIndexOf(`\n${head}`)
  if (at === -1) return null
  const rest = text.slice(at + 1 + head.length)
  const end = /^\S/m.exec(rest.slice(1))?.index
  const body = end === undefined ? rest : rest.slice(0, end + 1)
  const after = end === undefined ? '' : rest.slice(end + 1)
  const own = `class ${name}Forward(torch.nn.Module):${differentiated.reduce(withoutDetaching, body).trimEnd()}\n`
  const definition = gradientClass(name, inputs, differentiated, results)
  return `${text.slice(0, at + 1)}${own}\n\n${definition}\n${after === '' ? '' : `\n\n${after}`}`
}

// An input that is detached wherever it is read is so to run both sides on the same; any other `detach` says what has no gradient.
function withoutDetaching(body: string, input: string): string {
  const start = body.indexOf(':\n', body.indexOf('def forward('))
  const [signature, code] = [body.slice(0, start), body.slice(start)]
  const copied = `(?<![\\w.])(${input}(?:\\.(?:clone|contiguous|float|double|to)\\([^()]*\\))*)\\.detach\\(\\)`
  const read = code.match(new RegExp(`(?<![\\w.])${input}(?!\\w|\\s*=[^=])`, 'g')) ?? []
  const detached = code.match(new RegExp(copied, 'g')) ?? []
  return read.length === detached.length ? `${signature}${code.replaceAll(new RegExp(copied, 'g'), '$1')}` : body
}

function gradientClass(
  name: string,
  inputs: readonly string[],
  differentiated: readonly string[],
  places: readonly number[],
): string {
  const list = differentiated.join(', ')
  return `class ${name}(${name}Forward):
    def forward(self, ${inputs.join(', ')}):
        with torch.enable_grad():
            ${list}${differentiated.length === 1 ? ',' : ''} = [each.detach().clone().requires_grad_() for each in [${list}]]
            given = super().forward(${inputs.join(', ')})
            results = given if isinstance(given, (tuple, list)) else [given]
${places.length === 0 ? '' : `            results = [results[at] for at in [${places.join(', ')}]]\n`}            results = [each for each in results if isinstance(each, torch.Tensor) and each.requires_grad]
            weights = [torch.arange(each.numel(), device=each.device).cos().reshape(each.shape).to(each.dtype) for each in results]
            return torch.autograd.grad(results, [${list}], weights)
`
}

// Inputs of a task are what it is given, and nothing they were made of.
function withoutHistory(reference: string, differentiated: readonly string[]): string {
  return reference.replace(
    /^( {4}return \[)(.*)(\]\n\n\ndef get_init_inputs)/m,
    (_, start: string, names: string, end: string) => {
      const given = names.split(', ').map((name) => (differentiated.includes(name) ? `${name}.detach()` : name))
      return `${start}${given.join(', ')}${end}`
    },
  )
}
