import { z } from 'zod'
import { numeric } from '../python/values.ts'
import type { Piece } from '../python/links.ts'
import type { Edit } from '../python/rendering.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { PairingMethod } from '../types.ts'
import { atenTables, overridingContexts } from './aten-tables.ts'
import { contextName } from './contexts.ts'
import { valueOf } from './interpretation.ts'
import type { KnownValues } from './interpretation.ts'
import { operatorCalls } from './operator-calls.ts'
import type { OperatorCall, Operators } from './operator-calls.ts'
import { readRegistry } from './operator-registry.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import type { Code, TestCode } from './test-code.ts'
import type { KernelSide } from './test-scope.ts'
import { openPairing, pairTests } from './test-pairing.ts'
import type { PairingScope } from './test-pairing.ts'

const Options = z.strictObject({
  ...TEST_OPTIONS,
  registries: z
    .array(z.string())
    .default([])
    .describe(
      'Dotted names of tables of `("aten name", function)` entries that say which function replaces which operator; empty: found',
    ),
  contexts: z
    .array(z.string())
    .default([])
    .describe(
      'Names of the context managers under which the replacements are active, such as `use_gems`; empty: found',
    ),
})

/**
 * Finds pairs in tests of libraries that replace PyTorch's own operators: the same expression once as it is and once under a context
 * manager that switches the replacements on. The candidate calls the registered function; the reference is the expression.
 */
export const atenOverride: PairingMethod<z.infer<typeof Options>> = {
  id: 'aten-override',
  version: 31,
  summary: 'Operators registered in place of ATen ones, tested under a context manager against the originals',
  options: Options,
  async findPairs(input, options) {
    const settings = pairingSettings(options)
    const { project } = await openPairing(input, settings)
    const found = atenTables(project)
    const registries = options.registries.length > 0 ? options.registries : found.map(({ dotted }) => dotted)
    const contexts = new Set(options.contexts.length > 0 ? options.contexts : overridingContexts(found))
    if (registries.length === 0 || contexts.size === 0) return { pairs: [], refusals: [] }
    return pairTests(input, settings, (scope) => {
      const tables = registries.map((dotted) => readRegistry(project, dotted))
      return overrideSide(scope, new Map(tables.flatMap((table) => [...table])), contexts)
    })
  },
}

// What the calls under the context manager become: calls of the registered functions.
function overrideSide(scope: PairingScope, operators: Operators, contexts: ReadonlySet<string>) {
  return (test: TestCode, known: KnownValues): KernelSide => {
    const marks = new Map<string, Piece>()
    const callsOf = (code: Code): OperatorCall[] => {
      if (!isOverridden(code, contexts)) return []
      const isNumber = (node: SyntaxNode): boolean => {
        const value = valueOf(scope.project, test, { frame: code.frame, node }, known)
        return value !== null && numeric(value) !== null
      }
      return operatorCalls(scope.project, operators, code, isNumber)
    }
    return {
      reached: (code) => callsOf(code).map(({ operator }) => operator.implementation),
      edits: (code) => [...callsOf(code).flatMap((call) => callEdits(call, markOf(marks, call))), ...fieldEdits(code)],
      symbols: marks,
      contexts,
    }
  }
}

// PyTorch gives named tuples where what is registered gives plain ones: `out.values` of a variable becomes `out[0]`.
function fieldEdits({ frame, node }: Code): Edit[] {
  const { file } = frame.module
  return [...walk(node)].flatMap((inner) => {
    const [object, attribute] =
      inner.type === 'attribute' ? [fieldOf(inner, 'object'), fieldOf(inner, 'attribute')] : []
    if (object === null || object === undefined || attribute === null || attribute === undefined) return []
    const place = RESULT_FIELDS.indexOf(textOf(file, attribute))
    const isResult = object.type === 'call' || frame.locals.has(textOf(file, object))
    const isCalled = file.text[inner.end] === '('
    return place === -1 || isCalled || !isResult ? [] : [{ start: object.end, end: inner.end, text: `[${place}]` }]
  })
}

// Of `torch.max`, `sort`, `topk`, `cummax` and their kin.
const RESULT_FIELDS = ['values', 'indices']

function isOverridden({ contexts = [] }: Code, overriding: ReadonlySet<string>): boolean {
  return contexts.some((context) => overriding.has(contextName(context)))
}

function markOf(marks: Map<string, Piece>, { operator }: OperatorCall): string {
  const mark = `__operator_${operator.name}_${operator.overload}__`
  marks.set(mark, operator.implementation)
  return mark
}

// `torch.abs(x)` becomes `abs(x)`; `x.abs()` becomes `abs(x)` too.
function callEdits({ call, callee, receiver }: OperatorCall, mark: string): Edit[] {
  if (receiver === null) return [{ start: callee.start, end: callee.end, text: mark }]
  const list = call.children.find(({ field }) => field === 'arguments')
  if (list === undefined) return []
  return [
    { start: receiver.start, end: receiver.start, text: `${mark}(` },
    { start: receiver.end, end: list.start + 1, text: list.children.length > 0 ? ', ' : '' },
  ]
}
