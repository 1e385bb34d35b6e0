import type { Task } from '../../pipelines/core/records/task.ts'
import { normalizedCode } from '../clusters/normalized-text.ts'
import { OPERATOR_FAMILIES } from './operator-families.ts'

/** What the reference of a task computes, read from its text: no program of strangers runs for it. */
export function operatorFacts({ reference }: Pick<Task, 'reference'>) {
  if (reference.trim() === '') return NOTHING_KNOWN
  const { calls, hasSigns } = operatorsOf(reference)
  const costly = calls.filter((name) => !FREE.has(name))
  return {
    operator_family: familyOf(calls),
    operators: [...new Set(calls)].toSorted().join(','),
    num_operators: costly.length + hasSigns,
    is_single_operator: costly.length + hasSigns <= 1,
    shape_class: shapeClassOf(reference),
  }
}

/** The one operator that a reference calls, changes of layout aside; null where it calls several, none, or computes with signs. */
export function singleOperatorOf({ reference }: Pick<Task, 'reference'>): string | null {
  if (reference.trim() === '') return null
  const { calls, hasSigns } = operatorsOf(reference)
  const costly = calls.filter((name) => !FREE.has(name))
  return hasSigns === 0 && costly.length === 1 ? (costly[0] ?? null) : null
}

const NOTHING_KNOWN = {
  operator_family: null,
  operators: null,
  num_operators: null,
  is_single_operator: null,
  shape_class: null,
}

const FAMILY_OF = new Map(Object.entries(OPERATOR_FAMILIES).flatMap(([family, names]) => names.map((n) => [n, family])))
const COST = Object.keys(OPERATOR_FAMILIES)

// Changes of layout alone make no operator of a fusion.
const FREE = new Set(OPERATOR_FAMILIES['layout'])

// Everything but the makers of inputs. What runs is `forward` with what it calls: a module counts where it is constructed.
function operatorsOf(reference: string): { calls: string[]; hasSigns: number } {
  const text = normalizedCode(reference, 'python')
  const computing = text.replaceAll(/^def get_(?:init_)?inputs[^\n]*(?:\n [^\n]*)*/gm, '')
  const calls = [...computing.matchAll(/(?:^|[.\s(])([A-Za-z_]\w*) \(/gm)].map(([, name = '']) => name.toLowerCase())
  const named = calls.map((name) => name.replace(/_$/, '')).filter((name) => FAMILY_OF.has(name))
  // At the start of a line it is a decorator.
  const products = [...computing.matchAll(/\S @ \S/g)].map(() => 'matmul')
  // Signs between arguments are mostly about sizes; those of a statement are about its tensors.
  const statements = computing.match(/^ +(?:return|\w+ =) [^\n]*$/gm) ?? []
  const signs = statements.filter((line) => /[\w)\]] [*/+-] [\w(]/.test(line.replaceAll(/\([^()]*\)/g, '()')))
  return { calls: [...named, ...products], hasSigns: signs.length }
}

function familyOf(calls: readonly string[]): string {
  const families = new Set(calls.map((name) => FAMILY_OF.get(name)))
  return COST.find((family) => families.has(family)) ?? 'elementwise'
}

// Sizes are written as literals, or as names assigned at the top: the largest product within one constructor of a tensor.
function shapeClassOf(reference: string): string | null {
  const named = new Map(
    [...reference.matchAll(/^(\w+)\s*=\s*(\d{1,12})\s*(?:#.*)?$/gm)].map(([, n = '', v]) => [n, Number(v)]),
  )
  const made = [...reference.matchAll(/torch\.(?:rand|randn|randint|empty|ones|zeros|full)\(([^()]*(?:\([^()]*\))?)/g)]
  const sizes = made.map(([, list = '']) => productOf(list, named)).filter((size) => size > 1)
  if (sizes.length === 0) return null
  const largest = Math.max(...sizes)
  return largest < 2 ** 16 ? 'small' : largest < 2 ** 22 ? 'medium' : 'large'
}

function productOf(list: string, named: ReadonlyMap<string, number>): number {
  const sizes = list
    .replaceAll(/\w+\s*=\s*[^,]*/g, '')
    .split(/[^\w.]+/)
    .map((word) => named.get(word) ?? (/^\d+$/.test(word) ? Number(word) : 1))
  return sizes.reduce((product, size) => product * Math.max(1, size), 1)
}
