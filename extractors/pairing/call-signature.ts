import type { Piece } from '../python/links.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { nameChain, parametersOf } from '../python/syntax.ts'
import type { Parameter } from '../python/syntax.ts'

/** What a call gives, as far as its text tells. */
export interface GivenArguments {
  readonly numPositional: number
  readonly keywords: readonly string[]
}

/**
 * Whether the function that an expression names can be called so. True where that cannot be told: a decorator may have given it other
 * parameters, and what is no function of the repository is not looked into.
 */
export function acceptsCall(project: PythonProject, { module, node }: Piece, given: GivenArguments): boolean {
  const parts = nameChain(module.file, node)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  if (meaning?.kind !== 'definition' || meaning.used < (parts?.length ?? 0)) return true
  const [statement, ...more] = meaning.module.definitions.get(meaning.name) ?? []
  if (statement?.node.type !== 'function_definition' || more.length > 0) return true
  return fits(parametersOf(meaning.module.file, statement.node), given)
}

function fits(parameters: readonly Parameter[], { numPositional, keywords }: GivenArguments): boolean {
  const ofKind = (kind: Parameter['kind']): Parameter[] => parameters.filter((parameter) => parameter.kind === kind)
  const positional = ofKind('positional')
  if (numPositional > positional.length && ofKind('list_splat').length === 0) return false
  const byPosition = new Set(positional.slice(0, numPositional).map(({ name }) => name))
  const byName = new Set([...positional, ...ofKind('keyword_only')].map(({ name }) => name))
  const takesAny = ofKind('dictionary_splat').length > 0
  if (keywords.some((name) => byPosition.has(name) || (!byName.has(name) && !takesAny))) return false
  const required = [...positional.slice(numPositional), ...ofKind('keyword_only')]
  return required.every(({ name, default: value }) => value !== null || keywords.includes(name))
}
