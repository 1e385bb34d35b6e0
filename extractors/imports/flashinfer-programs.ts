import { z } from 'zod'

/** A computation of FlashInfer-Bench: https://github.com/flashinfer-ai/flashinfer-bench (flashinfer_bench/data/definition.py). */
export const Definition = z.looseObject({
  name: z.string(),
  axes: z.record(z.string(), z.looseObject({ type: z.string(), value: z.int().optional() })),
  inputs: z.record(z.string(), z.looseObject({ shape: z.array(z.string()).nullish(), dtype: z.string() })),
  outputs: z.record(z.string(), z.looseObject({ shape: z.array(z.string()).nullish(), dtype: z.string() })),
  reference: z.string(),
})
export type Definition = z.infer<typeof Definition>

/** A line of a file of workloads or traces (flashinfer_bench/data/trace.py). */
export const Trace = z.looseObject({
  definition: z.string(),
  workload: z.looseObject({
    axes: z.record(z.string(), z.int().nonnegative()),
    inputs: z.record(
      z.string(),
      z.looseObject({ type: z.string(), value: z.union([z.number(), z.boolean()]).optional() }),
    ),
  }),
})
export type Workload = z.infer<typeof Trace>['workload']

/** An implementation (flashinfer_bench/data/solution.py); outputs are passed as arguments unless it says otherwise. */
export const Solution = z.looseObject({
  name: z.string(),
  definition: z.string(),
  author: z.string(),
  spec: z.looseObject({
    language: z.string(),
    entry_point: z.string(),
    destination_passing_style: z.boolean().default(true),
  }),
  sources: z.array(z.looseObject({ path: z.string(), content: z.string() })),
})
type Solution = z.infer<typeof Solution>

/** What cannot be written as a program, and why. */
interface Problem {
  readonly problem: string
  readonly detail: string
}
type Made<What> = ({ readonly problem: null } & What) | Problem

/** The axes and scalars of a workload as names of a module with their Python literals; only random tensors can be drawn again. */
export function axesOf(definition: Definition, { axes, inputs }: Workload): Made<{ axes: Record<string, string> }> {
  const named: Record<string, string> = {}
  for (const [name, { type, value }] of Object.entries(definition.axes)) {
    const known = type === 'const' ? value : axes[name]
    if (known === undefined) return problem('unbound_axis', `the workload gives no value for the axis ${name}`)
    named[name] = String(known)
  }
  for (const [name, { dtype }] of Object.entries(definition.inputs)) {
    const { type, value } = inputs[name] ?? { type: 'missing' }
    if (type === 'scalar' && value !== undefined) named[name] = pythonLiteral(value)
    else if (type !== 'random') return problem('recorded_input', `the input ${name} is ${type}, not random`)
    else if (!isFloat(dtype)) return problem('recorded_input', `nothing says which values of ${dtype} ${name} may have`)
  }
  return { problem: null, axes: named }
}

/** The reference of a definition in KernelBench form, with the axes of its first workload. */
export function referenceProgram(
  definition: Definition,
  axes: Readonly<Record<string, string>>,
): Made<{ code: string }> {
  const { inputs, outputs, reference } = definition
  const names = [...Object.keys(definition.axes), ...Object.keys(inputs), ...Object.keys(outputs)]
  const foreign = names.find((name) => !/^[A-Za-z]\w*$/.test(name))
  if (foreign !== undefined) return problem('bad_name', `${JSON.stringify(foreign)} is no name of Python`)
  const drawn: string[] = []
  for (const [name, { shape, dtype }] of Object.entries(inputs)) {
    if (Object.hasOwn(axes, name)) drawn.push(name)
    else if (DTYPES[dtype] === undefined) return problem('unsupported_dtype', `${name} is ${dtype}`)
    else drawn.push(`torch.randn(${tuple(shape ?? [])}).to(${DTYPES[dtype]})`)
  }
  const constants = Object.entries(axes).map(([name, value]) => `${name} = ${value}`)
  const parameters = Object.keys(inputs).join(', ')
  const code = `${reference.trimEnd()}


import torch

${constants.join('\n')}


class Model(torch.nn.Module):
    def forward(self, ${parameters}):
        return run(${parameters})


def get_inputs():
    return [${drawn.join(', ')}]


def get_init_inputs():
    return []
`
  return { problem: null, code }
}

/** A solution as a `ModelNew`. */
export function solutionProgram(definition: Definition, { spec, sources }: Solution): Made<{ code: string }> {
  const { language, entry_point, destination_passing_style } = spec
  const [source, ...others] = sources
  if (!['python', 'triton'].includes(language)) return problem('other_language', `it is written in ${language}`)
  if (source === undefined || others.length > 0) return problem('several_files', `it has ${sources.length} files`)
  const [, name = ''] = entry_point.split('::')
  if (!/^[A-Za-z_]\w*$/.test(name)) return problem('no_entry_point', `its entry point is ${entry_point}`)
  const parameters = Object.keys(definition.inputs)
  const body = destination_passing_style
    ? allocated(definition, name, parameters)
    : { problem: null, lines: [`return ${name}(${parameters.join(', ')})`] }
  if (body.problem !== null) return body
  const code = `${source.content.trimEnd()}


import torch


class ModelNew(torch.nn.Module):
    def forward(self, ${parameters.join(', ')}):
${body.lines.map((line) => `        ${line}`).join('\n')}
`
  return { problem: null, code }
}

// Sizes come from the inputs, so that one program serves every workload.
function allocated(definition: Definition, name: string, parameters: readonly string[]): Made<{ lines: string[] }> {
  const { axes, inputs, outputs } = definition
  const first = Object.entries(inputs).find(([, { shape }]) => (shape ?? []).length > 0)?.[0]
  const lines: string[] = []
  for (const [output, { shape, dtype }] of Object.entries(outputs)) {
    const sizes = (shape ?? []).map((axis) => sizeOf(axis, axes, inputs))
    const unknown = sizes.indexOf(null)
    if (unknown !== -1) return problem('unbound_axis', `no input has the axis ${(shape ?? [])[unknown]} of ${output}`)
    if (DTYPES[dtype] === undefined || first === undefined) return problem('unsupported_dtype', `${output} is ${dtype}`)
    lines.push(`${output} = torch.empty(${tuple(sizes.map(String))}, dtype=${DTYPES[dtype]}, device=${first}.device)`)
  }
  const names = Object.keys(outputs)
  return {
    problem: null,
    lines: [...lines, `${name}(${[...parameters, ...names].join(', ')})`, `return ${names.join(', ')}`],
  }
}

function sizeOf(axis: string, axes: Definition['axes'], inputs: Definition['inputs']): string | null {
  const value = axes[axis]?.value
  if (value !== undefined) return String(value)
  for (const [name, { shape }] of Object.entries(inputs)) {
    const at = (shape ?? []).indexOf(axis)
    if (at !== -1) return `${name}.shape[${at}]`
  }
  return null
}

// float4 has no dtype of its own in PyTorch that arithmetic knows.
const DTYPES: Readonly<Record<string, string>> = {
  float32: 'torch.float32',
  float16: 'torch.float16',
  bfloat16: 'torch.bfloat16',
  float8_e4m3: 'torch.float8_e4m3fn',
  float8_e4m3fn: 'torch.float8_e4m3fn',
  float8_e5m2: 'torch.float8_e5m2',
  int64: 'torch.int64',
  int32: 'torch.int32',
  int16: 'torch.int16',
  int8: 'torch.int8',
  bool: 'torch.bool',
}

function isFloat(dtype: string): boolean {
  return dtype.startsWith('float') || dtype.startsWith('bfloat')
}

function tuple(parts: readonly string[]): string {
  return `(${parts.map((part) => `${part},`).join(' ')})`
}

function pythonLiteral(value: number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return String(value)
}

function problem(name: string, detail: string): Problem {
  return { problem: name, detail }
}
