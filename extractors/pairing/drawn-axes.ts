import { evaluate } from '../python/evaluation.ts'
import type { EvaluationScope } from '../python/evaluation.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { boolean, integer, numeric } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import type { Axis } from './test-axes.ts'

/**
 * The axes of hypothesis' `@given(m=st.sampled_from([...]), flag=st.booleans())`: each name by itself. Of a range its ends and its
 * middle stand for all. Null for other decorators.
 */
export function drawnAxes(scope: EvaluationScope, decorator: SyntaxNode): Axis[] | null {
  if (decorator.type !== 'call' || dottedName(scope, decorator) !== 'hypothesis.given') return null
  const { keywords } = argumentsOf(scope.module.file, decorator)
  return [...keywords].map(([name, strategy]) => {
    const values = valuesOf(scope, strategy)
    return { names: [name], rows: values === null || values.length === 0 ? null : values.map((value) => [value]) }
  })
}

function dottedName({ project, module }: EvaluationScope, call: SyntaxNode): string | null {
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  return meaning?.kind === 'external' ? meaning.dotted.join('.') : null
}

function valuesOf(scope: EvaluationScope, strategy: SyntaxNode): readonly Value[] | null {
  const name = strategy.type === 'call' ? dottedName(scope, strategy) : null
  if (name?.startsWith('hypothesis.strategies.') !== true) return null
  const { positional, keywords } = argumentsOf(scope.module.file, strategy)
  const [first, second] = positional
  const value = (node: SyntaxNode | undefined): Value | null => (node === undefined ? null : evaluate(scope, node))
  switch (name.split('.').at(-1) ?? '') {
    case 'booleans':
      return [boolean(false), boolean(true)]
    case 'just': {
      const only = value(first ?? keywords.get('value'))
      return only === null ? null : [only]
    }
    case 'sampled_from': {
      const items = value(first ?? keywords.get('elements'))
      return items?.kind === 'sequence' ? items.items : null
    }
    case 'integers':
      return rangeOf(value(first ?? keywords.get('min_value')), value(second ?? keywords.get('max_value')))
    default:
      return null
  }
}

function rangeOf(low: Value | null, high: Value | null): Value[] | null {
  const [from, to] = [low === null ? null : numeric(low), high === null ? null : numeric(high)]
  if (from === null || to === null || from > to) return null
  return [...new Set([Math.floor((from + to) / 2), from, to])].map(integer)
}
