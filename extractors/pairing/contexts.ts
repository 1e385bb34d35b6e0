import { fieldOf, nameChain } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Code } from './test-code.ts'

// Blocks that switch gradients off or pick a device change nothing of a forward pass; `use_gems` is what aten-override reads.
const HARMLESS = new Set([
  'no_grad',
  'inference_mode',
  'enable_grad',
  'set_grad_enabled',
  'device',
  'device_context',
  'nullcontext',
  'catch_warnings',
  'use_gems',
  'stream',
])

/** Whether the code inside a `with` item computes the same without it. */
export function isHarmless(context: Code): boolean {
  return HARMLESS.has(contextName(context))
}

/** The last name of a context manager: `no_grad` of `with torch.no_grad():`. */
export function contextName({ frame, node }: Code): string {
  const value = node.type === 'with_item' ? (fieldOf(node, 'value') ?? node) : node
  const manager: SyntaxNode = value.type === 'as_pattern' ? (value.children[0] ?? value) : value
  const callee = manager.type === 'call' ? (fieldOf(manager, 'function') ?? manager) : manager
  return nameChain(frame.module.file, callee)?.at(-1) ?? ''
}
