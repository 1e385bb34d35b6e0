import { evaluate } from '../python/evaluation.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { truth } from '../python/values.ts'
import type { Value } from '../python/values.ts'

/** A function that runs one of several implementations, chosen by a parameter that names it. */
export interface ProviderSwitch {
  readonly project: PythonProject
  readonly module: PythonModule
  readonly body: SyntaxNode
  /** The parameter. */
  readonly provider: string
  /** All names that are local to the function. */
  readonly locals: ReadonlySet<string>
}

/** A statement that is run for a provider; `isOwn` where the switch leads to it. */
export interface ProviderStatement {
  readonly node: SyntaxNode
  readonly isOwn: boolean
  /** `with` items around it, outermost first. */
  readonly contexts: readonly SyntaxNode[]
}

/** The statements that run for a provider, in order, or null where a condition of the switch cannot be decided. */
export function statementsFor(found: ProviderSwitch, provider: string): ProviderStatement[] | null {
  const statements: ProviderStatement[] = []
  return follow(found, provider, found.body, { isOwn: false, contexts: [] }, statements) === null ? null : statements
}

/** The texts that the conditions of a function compare a parameter with. */
export function comparedTexts(
  { module }: Pick<ProviderSwitch, 'module'>,
  body: SyntaxNode,
  parameter: string,
): string[] {
  const { file } = module
  const texts = [...walk(body)].flatMap((node) => {
    if (node.type !== 'comparison_operator' || !reads(module, node, parameter)) return []
    return [...walk(node)]
      .filter(({ type }) => type === 'string')
      .map((text) => textOf(file, text).replaceAll(/["']/g, ''))
  })
  return [...new Set(texts)]
}

type Place = Omit<ProviderStatement, 'node'>

// False where nothing after the block is reached, null where that cannot be told.
function follow(
  found: ProviderSwitch,
  provider: string,
  block: SyntaxNode,
  place: Place,
  statements: ProviderStatement[],
): boolean | null {
  for (const node of block.children) {
    const goesOn = followStatement(found, provider, node, place, statements)
    if (goesOn !== true) return goesOn
  }
  return true
}

function followStatement(
  found: ProviderSwitch,
  provider: string,
  node: SyntaxNode,
  place: Place,
  statements: ProviderStatement[],
): boolean | null {
  if (node.type === 'raise_statement') return null
  if (node.type === 'with_statement') {
    const body = fieldOf(node, 'body')
    const items = node.children.find(({ type }) => type === 'with_clause')?.children ?? []
    const inside = { ...place, contexts: [...place.contexts, ...items] }
    return body === null ? true : follow(found, provider, body, inside, statements)
  }
  const isSwitch = node.type === 'if_statement' && reads(found.module, conditionsOf(node), found.provider)
  if (!isSwitch) {
    if (node.type !== 'assert_statement') statements.push({ ...place, node })
    return node.type !== 'return_statement'
  }
  const branch = branchFor(found, provider, node)
  if (branch === null) return null
  return branch === 'none' ? true : follow(found, provider, branch, { ...place, isOwn: true }, statements)
}

function conditionsOf(node: SyntaxNode): SyntaxNode {
  const clauses = node.children.filter(({ type }) => type === 'elif_clause')
  const conditions = [node, ...clauses].flatMap((part) => fieldOf(part, 'condition') ?? [])
  return { ...node, children: conditions }
}

function branchFor(found: ProviderSwitch, provider: string, node: SyntaxNode): SyntaxNode | 'none' | null {
  const parts = [node, ...node.children.filter(({ type }) => type === 'elif_clause' || type === 'else_clause')]
  for (const part of parts) {
    if (part.type === 'else_clause') return fieldOf(part, 'body')
    const condition = fieldOf(part, 'condition')
    const holds = condition === null ? null : conditionHolds(found, provider, condition)
    if (holds === null) return null
    if (holds) return fieldOf(part, 'consequence')
  }
  return 'none'
}

function conditionHolds(
  { project, module, locals, provider }: ProviderSwitch,
  name: string,
  condition: SyntaxNode,
): boolean | null {
  const values = new Map<string, Value | null>([...locals].map((local) => [local, null]))
  values.set(provider, { kind: 'text', value: name })
  const value = evaluate({ project, module, locals: values }, condition)
  return value === null ? null : truth(value)
}

function reads({ file }: PythonModule, node: SyntaxNode, name: string): boolean {
  return [...walk(node)].some((inner) => inner.type === 'identifier' && textOf(file, inner) === name)
}
