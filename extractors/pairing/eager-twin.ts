import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import type { Piece } from '../python/links.ts'
import type { PythonModule } from '../python/modules.ts'
import { argumentsOf, fieldOf, parametersOf, textOf, undecorated, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { MinedKernel, PairEvidence, PairingMethod, PairingRefusal } from '../types.ts'
import { sharesWord, wordsOf } from './name-overlap.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import { openPairing } from './test-pairing.ts'
import type { PairingScope } from './test-pairing.ts'

const { max_closure_lines, allowed_modules, replace, lookups } = TEST_OPTIONS
const Options = z.strictObject({ max_closure_lines, allowed_modules, replace, lookups })

/**
 * Finds references in classes that hold the same forward pass twice: `forward_native(self, x)` in plain PyTorch, and
 * `forward_cuda(self, x)` that reaches kernels. Both must take the same parameters; nothing says with which values, so these
 * references are told and never cut out.
 */
export const eagerTwin: PairingMethod<z.infer<typeof Options>> = {
  id: 'eager-twin',
  version: 1,
  summary: 'Classes with one forward pass in PyTorch and the same one with kernels',
  options: Options,
  async findPairs(input, options) {
    const scope = await openPairing(input, pairingSettings({ ...options, max_workloads: 1, identities: [] }))
    const refusals: PairingRefusal[] = []
    for (const path of scope.project.paths) {
      const module = PLAIN_MENTION.test(scope.project.files.get(path) ?? '') ? scope.project.module(path) : null
      for (const { node } of module?.statements ?? []) {
        if (module !== null) refusals.push(...twinsIn(scope, module, undecorated(node)))
      }
      // Signals get their turn.
      if (module !== null) await setImmediate()
    }
    return { pairs: [], refusals }
  },
}

const PLAIN = /^forward_(?:native|torch|pytorch|naive|eager|ref|reference)$/
const PLAIN_MENTION = /\bdef forward_(?:native|torch|pytorch|naive|eager|ref|reference)\b/
const FAST = /^forward_(?:cuda|hip|triton|gpu|fused|kernel|cutlass|cute|tilelang)$/

// The author keeps them apart by name and class, and whoever calls either calls the other; no comparison is shown.
const CONFIDENCE = 0.85
const MAX_KERNELS = 10

interface Method {
  readonly name: string
  readonly node: SyntaxNode
  readonly parameters: string
}

function twinsIn(scope: PairingScope, module: PythonModule, node: SyntaxNode): PairingRefusal[] {
  const className = node.type === 'class_definition' ? fieldOf(node, 'name') : null
  if (className === null) return []
  const methods = methodsOf(module, node)
  const plain = methods.find(({ name }) => PLAIN.test(name))
  if (plain === undefined || !computes(module, plain.node)) return []
  if (reached(scope, module, methods, plain).length > 0) return []
  const name = textOf(module.file, className)
  return methods.flatMap((fast) => {
    if (!FAST.test(fast.name) || fast.parameters !== plain.parameters) return []
    const kernels = reached(scope, module, methods, fast).filter(({ role }) => role === 'entry')
    if (kernels.length > MAX_KERNELS) return []
    const words = wordsOf(
      name,
      module.path.split('/').at(-1)?.replace(/\.py$/, '') ?? '',
      ...calledNames(module, fast.node),
    )
    const evidence = evidenceOf(module, name, plain, fast)
    const detail = `${module.path}:${evidence.line} in ${name}`
    return kernels
      .filter((kernel) => sharesWord(kernel, words))
      .map(({ id }) => ({ kernelId: id, reason: 'no_inputs', detail, evidence }))
  })
}

function methodsOf({ file }: PythonModule, node: SyntaxNode): Method[] {
  return (fieldOf(node, 'body')?.children ?? []).flatMap((member) => {
    const definition = undecorated(member)
    const name = definition.type === 'function_definition' ? fieldOf(definition, 'name') : null
    if (name === null) return []
    const parameters = parametersOf(file, definition).map((parameter) => parameter.name)
    return [{ name: textOf(file, name), node: definition, parameters: parameters.join(' ') }]
  })
}

// A method with what the constructor keeps for it: `self.op(out, x)` after `self.op = torch.ops.ns.op`.
function reached(
  scope: PairingScope,
  module: PythonModule,
  methods: readonly Method[],
  { node }: Method,
): readonly MinedKernel[] {
  const text = textOf(module.file, node)
  const constructor = methods.find(({ name }) => name === '__init__')
  const kept =
    constructor === undefined
      ? []
      : [...walk(constructor.node)].flatMap((inner) => {
          const [left, right] = inner.type === 'assignment' ? [fieldOf(inner, 'left'), fieldOf(inner, 'right')] : []
          const target = left?.type === 'attribute' ? textOf(module.file, left) : ''
          const isCalled = target.startsWith('self.') && text.includes(`${target}(`)
          return isCalled && right !== null && right !== undefined ? [right] : []
        })
  const body = fieldOf(node, 'body') ?? node
  const pieces = [body, ...kept].map((part): Piece => ({ module, node: part, isLocal: () => false, skip: [] }))
  return scope.reach(pieces)
}

function computes({ file }: PythonModule, node: SyntaxNode): boolean {
  return [...walk(node)].some(
    (inner) =>
      inner.type === 'binary_operator' || (inner.type === 'call' && /^(?:torch|F)\./.test(textOf(file, inner))),
  )
}

function calledNames({ file }: PythonModule, node: SyntaxNode): string[] {
  return [...walk(node)].flatMap((call) => {
    const callee = call.type === 'call' ? fieldOf(call, 'function') : null
    return callee === null || argumentsOf(file, call).positional.length === 0 ? [] : [textOf(file, callee)]
  })
}

function evidenceOf({ path, file }: PythonModule, className: string, plain: Method, fast: Method): PairEvidence {
  const head = ({ node }: Method): string => (textOf(file, node).split('\n')[0] ?? '').trim()
  return {
    path,
    symbol: `${className}.${fast.name}`,
    line: file.lineOf(fast.node.start),
    expression: head(fast),
    confidence: CONFIDENCE,
    reference: {
      path,
      symbol: `${className}.${plain.name}`,
      line: file.lineOf(plain.node.start),
      expression: head(plain),
    },
  }
}
