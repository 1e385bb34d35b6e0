import type { Rewrite } from '../python/linked-statements.ts'
import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import { isScope, localNames } from '../python/names.ts'
import { argumentsOf, fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { DEVICE_TEXT } from './devices.ts'

/**
 * What makes the functions of a reference work on the device that the validator chose: `device="cuda"`, `.to("cuda")`,
 * `torch.device("cuda")` and `.cuda()` inside of them. Defaults of parameters are read with the file, before there is a choice.
 */
export function deviceRewrites(module: PythonModule, { kind, node }: ModuleStatement): Rewrite[] {
  if (kind !== 'definition' || !/["'](?:cuda|hip|xpu|npu)|\.cuda\(\)/.test(textOf(module.file, node))) return []
  const rewrites: Rewrite[] = []
  collect(module, node, false, rewrites)
  return rewrites
}

function collect(module: PythonModule, node: SyntaxNode, isShadowed: boolean, rewrites: Rewrite[]): void {
  if (node.type === 'parameters') return
  const hides = isScope(node) && node.type !== 'class_definition' && localNames(module.file, node).has('device')
  const inside = isShadowed || hides
  if (node.type === 'call') rewrites.push(...callRewrites(module, node, inside ? 'globals()["device"]' : 'device'))
  for (const child of node.children) collect(module, child, inside, rewrites)
}

function callRewrites({ file }: PythonModule, call: SyntaxNode, device: string): Rewrite[] {
  const callee = fieldOf(call, 'function')
  if (callee === null) return []
  const { positional, keywords } = argumentsOf(file, call)
  const [object, attribute] = [fieldOf(callee, 'object'), fieldOf(callee, 'attribute')]
  const method = attribute === null ? '' : textOf(file, attribute)
  if (object !== null && method === 'cuda' && positional.length === 0 && nameChain(file, callee)?.[0] !== 'torch')
    return [rewrite({ start: object.end, end: call.end }, `.to(${device})`)]
  const takesDevice = method === 'to' || nameChain(file, callee)?.join('.') === 'torch.device'
  const values = [keywords.get('device'), takesDevice ? positional[0] : undefined]
  return values.flatMap((value) =>
    value?.type === 'string' && DEVICE_TEXT.test(textOf(file, value)) ? [rewrite(value, device)] : [],
  )
}

function rewrite({ start, end }: { readonly start: number; readonly end: number }, text: string): Rewrite {
  return { start, end, text, needs: null, piece: null, sources: [] }
}
