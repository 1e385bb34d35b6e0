import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { measuredCalls, mayMeasure, oneLine } from './measured-calls.ts'
import type { MeasuredCall } from './measured-calls.ts'

/** A script with one of its measurements written as a comparison. */
export interface TwinScript {
  readonly text: string
  /** The function that is measured, by its last name. */
  readonly name: string
  /** Both measurements, as written. */
  readonly expression: string
  readonly line: number
}

/**
 * Scripts that measure one function after another on the same tensors, each made into scripts that compare: for every function that is
 * measured on what a function of PyTorch is measured on as well, one that computes both and compares. All other measurements are left
 * out, and every line keeps its number. Nothing in such a script compares; that both are measured for the same thing is what the author says.
 */
export function twinScripts(project: PythonProject, path: string): TwinScript[] {
  const module = mayMeasure(project.files.get(path) ?? '') ? project.module(path) : null
  if (module === null || module.file.hasError) return []
  const calls = measuredCalls(module)
  const plain = calls.filter(({ callable }) => plainText(project, module, callable) !== null)
  const seen = new Set<string>()
  return calls.flatMap((call) => {
    if (plain.includes(call)) return []
    const twin = twinOf(module, call, plain)
    const key = `${textOf(module.file, call.callable)}(${call.args.join()})`
    if (twin === null || seen.has(key)) return []
    seen.add(key)
    return [toScript(project, module, calls, call, twin)]
  })
}

interface Twin {
  readonly call: MeasuredCall
  /** The argument that the kernel writes into; null where it gives back its result. */
  readonly output: string | null
}

// The nearest measurement of PyTorch on the same tensors; where a function writes its result, that tensor is one more.
function twinOf({ file }: PythonModule, call: MeasuredCall, plain: readonly MeasuredCall[]): Twin | null {
  const distance = (other: MeasuredCall): number => Math.abs(other.statement.start - call.statement.start)
  const near = plain.toSorted((a, b) => distance(a) - distance(b))
  for (const other of near) {
    const inputs = other.args.filter((text) => text !== writtenBy(file, other))
    const more = call.args.filter((text) => !inputs.includes(text))
    const isSame = inputs.length > 0 && inputs.every((text) => call.args.includes(text))
    const [output, ...others] = more
    if (!isSame || others.length > 0) continue
    if (call.givesResult ? output === undefined : output !== undefined) return { call: other, output: output ?? null }
  }
  return null
}

function writtenBy(file: PythonModule['file'], { callable, args, givesResult }: MeasuredCall): string | null {
  const out = callable.type === 'call' ? argumentsOf(file, callable).keywords.get('out') : undefined
  return out === undefined && !givesResult ? (args.at(-1) ?? null) : null
}

const COMPILED = /compile|inductor|script|jit/i
const PLAIN = /(?:^|_)(?:py)?torch|naive|native|eager|(?:^|_)ref(?:_|$)|reference|baseline|vanilla|plain/i

// `torch.add`, `partial(torch.softmax, dim=1, out=out)`, `F.gelu`, `naive_rope`: a call of PyTorch, without where it writes. Null for any
// other; whether a function of the repository runs kernels is seen later.
function plainText(project: PythonProject, module: PythonModule, callable: SyntaxNode): string | null {
  const { file } = module
  if (COMPILED.test(textOf(file, callable))) return null
  if (isPyTorch(project, module, callable)) return textOf(file, callable)
  const callee = callable.type === 'call' ? fieldOf(callable, 'function') : null
  const parts = callee === null ? null : nameChain(file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  if (meaning?.kind !== 'external' || meaning.dotted.join('.') !== 'functools.partial') return null
  const { positional, keywords } = argumentsOf(file, callable)
  const [first, ...more] = positional
  if (first === undefined || more.length > 0 || !isPyTorch(project, module, first)) return null
  const kept = [...keywords]
    .filter(([name]) => name !== 'out')
    .map(([name, value]) => `, ${name}=${textOf(file, value)}`)
  return kept.length === 0
    ? textOf(file, first)
    : `${textOf(file, callee ?? callable)}(${textOf(file, first)}${kept.join('')})`
}

function isPyTorch(project: PythonProject, module: PythonModule, node: SyntaxNode): boolean {
  const parts = nameChain(module.file, node)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  if (meaning?.kind === 'definition') return meaning.used === parts?.length && PLAIN.test(meaning.name)
  return meaning?.kind === 'external' && meaning.dotted[0] === 'torch' && meaning.dotted[1] !== 'ops'
}

function toScript(
  project: PythonProject,
  module: PythonModule,
  calls: readonly MeasuredCall[],
  call: MeasuredCall,
  { call: other, output }: Twin,
): TwinScript {
  const { file } = module
  const plain = oneLine(plainText(project, module, other.callable) ?? '')
  const inputs = other.args.filter((text) => text !== writtenBy(file, other))
  const run = `${oneLine(textOf(file, call.callable))}(${call.args.join(', ')})`
  const measured = output === null ? `measured = ${run}` : run
  const compared = `torch.testing.assert_close(${output ?? 'measured'}, expected)`
  const text = `expected = ${plain}(${inputs.join(', ')}); ${measured}; ${compared}`
  const script = withStatements(file.text, calls, (each) => (each === call ? text : 'pass'))
  return {
    text: output === null ? script : withEmptyOutput(script, output),
    name: nameChain(file, call.callable)?.at(-1) ?? 'measured',
    expression: [call, other].map(({ statement }) => oneLine(textOf(file, statement))).join('; '),
    line: file.lineOf(call.statement.start),
  }
}

// What is measured fills its output, which scripts make like their inputs. A slice of a larger tensor is made by that one.
function withEmptyOutput(text: string, output: string): string {
  const made = (name: string): RegExp => new RegExp(`^([ \\t]*${name} = )(torch\\.)(?:randn|rand)(?=\\()`, 'gm')
  const whole = new RegExp(`^[ \\t]*${output} = (\\w+)\\[`, 'm').exec(text)?.[1]
  const names = /^\w+$/.test(output) ? [output, ...(whole === undefined ? [] : [whole])] : []
  return names.reduce((result, name) => result.replaceAll(made(name), '$1$2zeros'), text)
}

function withStatements(text: string, calls: readonly MeasuredCall[], write: (call: MeasuredCall) => string): string {
  let result = ''
  let from = 0
  for (const call of calls) {
    const { start, end } = call.statement
    const lines = text.slice(start, end).replaceAll(/[^\n]/g, '')
    result += `${text.slice(from, start)}${write(call)}${lines}`
    from = end
  }
  return result + text.slice(from)
}
