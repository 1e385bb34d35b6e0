import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Frame, TestCode } from './test-code.ts'

/** The arguments of a test that only say where an identity puts its first one, or in which dtype: `expected` of `to_cpu(out, expected)`. */
export function unreadArguments(
  project: PythonProject,
  { steps, comparisons }: Pick<TestCode, 'steps' | 'comparisons'>,
  identities: ReadonlySet<string>,
): ReadonlySet<SyntaxNode> {
  if (identities.size === 0) return new Set()
  const codes = [...steps, ...comparisons.flatMap(({ left, right }) => [left, right])]
  return new Set(
    codes.flatMap(({ frame, node }) =>
      [...walk(node)].flatMap((call) =>
        identityArgument(project, frame, call, identities) === null
          ? []
          : argumentsOf(frame.module.file, call).positional.slice(1),
      ),
    ),
  )
}

/** The value that a call gives back unchanged because its function is known to do only that, or null. */
export function identityArgument(
  project: PythonProject,
  frame: Frame,
  call: SyntaxNode,
  identities: ReadonlySet<string>,
): SyntaxNode | null {
  const callee = identities.size > 0 && call.type === 'call' ? fieldOf(call, 'function') : null
  const parts = callee === null ? null : nameChain(frame.module.file, callee)
  if (parts === null || frame.locals.has(parts[0] ?? '')) return null
  const meaning = resolveChain(project, frame.module, parts)
  if (meaning.kind !== 'definition') return null
  const { name, module } = meaning
  const isIdentity = identities.has(`${module.dotted}.${name}`) || identities.has(`*.${name}`)
  return isIdentity ? (argumentsOf(frame.module.file, call).positional[0] ?? null) : null
}
