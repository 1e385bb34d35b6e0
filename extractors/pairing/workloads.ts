import type { PythonProject } from '../python/project.ts'
import { literalText } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import { passes } from './interpretation.ts'
import { interpret } from './interpretation.ts'
import type { KnownValues } from './interpretation.ts'
import { canonical } from './step-effects.ts'
import type { StepEffects } from './step-effects.ts'
import { inTellingOrder } from './telling-order.ts'
import type { Guard, TestCode, Variable } from './test-code.ts'
import type { WorkMeter } from './work-meter.ts'

/** An axis of a test with the variables its names are. */
export interface ValueAxis {
  readonly variables: readonly Variable[]
  readonly rows: readonly (readonly Value[])[]
}

/** Values for the parameters of a test that belong to one task. */
export interface Variant {
  readonly axes: readonly ValueAxis[]
}

/** The axes of a test whose values are known. */
export function valueAxes(test: TestCode): ValueAxis[] {
  return test.axes.flatMap(({ frame, axis }) =>
    axis.rows === null
      ? []
      : [{ variables: axis.names.map((name) => canonical(test, `${frame.id}:${name}`)), rows: axis.rows }],
  )
}

/**
 * Splits the rows of axes by the values that are no literals: a test that is run for three reference classes is three tasks. At most
 * `limit`, in the order of the rows.
 */
export function variantsOf(axes: readonly ValueAxis[], limit: number): Variant[] {
  const choices = axes.map((axis) => [...Map.groupBy(axis.rows, symbolsOf).values()].map((rows) => ({ ...axis, rows })))
  let variants: ValueAxis[][] = [[]]
  for (const options of choices) {
    variants = variants.flatMap((chosen) => options.map((axis) => [...chosen, axis])).slice(0, limit)
  }
  return variants.map((chosen) => ({ axes: chosen }))
}

/** What a workload needs of a test. */
export interface WorkloadScope {
  readonly project: PythonProject
  readonly test: TestCode
  readonly effects: readonly StepEffects[]
  readonly guards: readonly Guard[]
  readonly meter: Pick<WorkMeter, 'isSpent'>
}

/**
 * Parameter values of a variant that the test would run, at most `limit`, chosen so that every row of every axis is met before any
 * is met again; those that say most come first. Combinations that the test skips are left out as far as its conditions are known.
 */
export function parameterSets(scope: WorkloadScope, { axes }: Variant, limit: number): KnownValues[] {
  const chosen: KnownValues[] = []
  const seen = new Set<string>()
  for (const rows of combinations(axes)) {
    if (chosen.length >= limit || seen.size >= MAX_TRIED || scope.meter.isSpent()) break
    const key = rows.join(' ')
    if (seen.has(key)) continue
    seen.add(key)
    const values = valuesAt(axes, rows)
    if (isRun(scope, values)) chosen.push(values)
  }
  return inTellingOrder(chosen)
}

/** Overrides of the reference's constants for parameter values, without repetitions. */
export function workloadsOf(
  sets: readonly KnownValues[],
  constants: ReadonlyMap<Variable, string>,
): Record<string, string>[] {
  const workloads = new Map<string, Record<string, string>>()
  for (const values of sets) {
    const entries = [...constants].flatMap(([name, constant]) => {
      const value = values.get(name)
      const text = value === undefined ? null : literalText(value)
      return text === null ? [] : [[constant, text] as const]
    })
    const workload = Object.fromEntries(entries)
    workloads.set(JSON.stringify(workload), workload)
  }
  return [...workloads.values()]
}

const MAX_TRIED = 400

function symbolsOf(row: readonly Value[]): string {
  return row.map((value) => (value.kind === 'symbol' && literalText(value) === null ? value.name : '')).join(' ')
}

// First the diagonal, on which every row of every axis comes up, then all in order.
function* combinations(axes: readonly ValueAxis[]): Generator<number[]> {
  const sizes = axes.map(({ rows }) => rows.length)
  const longest = Math.max(1, ...sizes)
  for (let at = 0; at < longest; at += 1) yield sizes.map((size) => at % size)
  const total = sizes.reduce((product, size) => Math.min(product * size, 100_000), 1)
  for (let number = 0; number < total; number += 1) {
    let rest = number
    yield sizes.map((size) => {
      const row = rest % size
      rest = Math.floor(rest / size)
      return row
    })
  }
}

function valuesAt(axes: readonly ValueAxis[], rows: readonly number[]): KnownValues {
  const values = new Map<Variable, Value>()
  axes.forEach(({ variables, rows: all }, at) => {
    const row = all[rows[at] ?? 0] ?? []
    variables.forEach((name, position) => {
      const value = row[position]
      if (value !== undefined) values.set(name, value)
    })
  })
  return values
}

function isRun({ project, test, effects, guards, meter }: WorkloadScope, values: KnownValues): boolean {
  if (test.skips.length === 0 && guards.length === 0) return true
  const known = interpret(project, test, effects, values, meter)
  const isSkipped = test.skips.some((skip) => passes(project, test, skip, known) === true)
  return !isSkipped && guards.every((guard) => passes(project, test, guard, known) !== false)
}
