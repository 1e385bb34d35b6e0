import type { SidePlan } from './program-plan.ts'
import type { PlacedCode, ProgramText } from './program-text.ts'
import type { Variable } from './test-code.ts'

/** The code of a side, by where it goes. */
export interface SideCodes {
  readonly inputs: readonly PlacedCode[]
  readonly configuration: readonly PlacedCode[]
  readonly init: readonly PlacedCode[]
  readonly forward: readonly PlacedCode[]
  readonly outputs: readonly PlacedCode[]
}

/** What both classes of a pair have in common. */
export interface ClassShape {
  readonly parameters: readonly string[]
  readonly inputs: readonly string[]
  /** Name of an input by its variable. */
  readonly inputName: (variable: Variable) => string
  /** Inputs that may be `None`. */
  readonly optional: ReadonlySet<Variable>
}

/** The class of a side: its constructor, where it needs one, and its forward pass. */
export function classText(
  name: string,
  text: ProgramText,
  codes: SideCodes,
  side: SidePlan,
  shape: ClassShape,
): string[] {
  const init = codes.init.map((placed) => text.render(placed))
  const forward = codes.forward.map((placed) => text.render(placed))
  const outputs = codes.outputs.map((placed) => text.render(placed))
  const overwritten = side.overwritten.map((variable) => {
    const input = shape.inputName(variable)
    return `${input} = ${input}.clone()${shape.optional.has(variable) ? ` if ${input} is not None else None` : ''}`
  })
  const body = [...overwritten, ...forward, `return ${outputs.join(', ')}`]
  const kept = shape.parameters.filter((parameter) => body.some((line) => line.includes(`self.${parameter}`)))
  const constructor = ['super().__init__()', ...kept.map((parameter) => `self.${parameter} = ${parameter}`), ...init]
  const lines = [`class ${name}(torch.nn.Module):`]
  if (shape.parameters.length > 0 || init.length > 0) {
    lines.push(
      indent(
        [`def __init__(${['self', ...shape.parameters].join(', ')}):`, ...constructor.map((line) => indent(line))].join(
          '\n',
        ),
      ),
      '',
    )
  }
  lines.push(
    indent([`def forward(${['self', ...shape.inputs].join(', ')}):`, ...body.map((line) => indent(line))].join('\n')),
  )
  return side.outputs.length === 0 ? [] : [lines.join('\n')]
}

/** Text one level further in. */
export function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? line : `    ${line}`))
    .join('\n')
}
