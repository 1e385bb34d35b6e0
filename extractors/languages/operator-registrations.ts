import { blankText, matchingBracket } from './c-text.ts'

/** One operator as C++ registers it in PyTorch's dispatcher, for CUDA or for every device. */
export interface OperatorRegistration {
  readonly namespace: string
  /** Without the overload. */
  readonly name: string
  /** With the overload, as `impl` names it. */
  readonly overload: string
  /** The string literals of the schema as they are written, or null where the schema is made from the function. */
  readonly schema: string | null
  /** What `impl` is given as the function, as it is written: `&fn`, `TORCH_BOX(&ns::fn)`. */
  readonly implementation: string
  /** The function's name with its namespaces. */
  readonly symbol: string
  /** Whether PyTorch's stable interface is used, whose macros have other names. */
  readonly isStable: boolean
}

interface Block {
  readonly namespace: string
  readonly key: string | null
  readonly isStable: boolean
  readonly calls: readonly { readonly method: string; readonly args: readonly string[] }[]
}

/** The operators that C++ and CUDA texts register together; schemas may stand in another file than functions. */
export function operatorRegistrations(texts: Iterable<string>): OperatorRegistration[] {
  const blocks = [...texts].filter((text) => text.includes('TORCH_LIBRARY')).flatMap(blocksOf)
  const schemas = new Map<string, string>()
  for (const { namespace, calls } of blocks) {
    for (const { method, args } of calls) {
      const name = args[0] === undefined ? null : nameIn(args[0])
      if (method === 'def' && name !== null && args[0]?.includes('(') === true)
        schemas.set(`${namespace}::${name}`, args[0])
    }
  }
  return blocks.flatMap((block) => block.calls.flatMap((call) => registrationOf(block, call, schemas)))
}

const LIBRARY = /\b(STABLE_)?TORCH_LIBRARY(_IMPL|_FRAGMENT)?\s*\(\s*(\w+)\s*,\s*(?:(\w+)\s*,\s*)?(\w+)\s*\)\s*\{/g

function blocksOf(text: string): Block[] {
  const { code } = blankText(text)
  const blocks: Block[] = []
  let end = 0
  for (const match of code.matchAll(LIBRARY)) {
    // Blocks hold no blocks; one that is never closed is the last.
    if (match.index < end) continue
    const open = match.index + match[0].length - 1
    end = matchingBracket(code, open) ?? code.length
    const [, stable, , namespace = '', key = null, variable = ''] = match
    const pattern = new RegExp(String.raw`\b${variable}\s*\.\s*(def|impl)\s*\(`, 'g')
    const calls = [...code.slice(open, end).matchAll(pattern)].map((call) => {
      const from = open + call.index + call[0].length
      return { method: call[1] ?? '', args: argumentsFrom(text, code, from) }
    })
    blocks.push({ namespace, key, isStable: stable !== undefined, calls })
  }
  return blocks
}

// No schema is longer; brackets that nobody closes are not looked for in the rest of a file.
const MAX_CALL = 10_000

// Split where the blanked code has commas: those in strings and in brackets do not count.
function argumentsFrom(text: string, code: string, from: number): string[] {
  const found: string[] = []
  let [depth, start] = [0, from]
  for (let at = from; at < Math.min(code.length, from + MAX_CALL); at += 1) {
    const character = code[at] ?? ' '
    if (depth === 0 && ',)'.includes(character)) {
      found.push(text.slice(start, at).trim())
      start = at + 1
      if (character === ')') return found
    } else if ('([{'.includes(character)) depth += 1
    else if (')]}'.includes(character)) depth -= 1
  }
  return []
}

function registrationOf(
  { namespace, key, isStable }: Block,
  { method, args }: Block['calls'][number],
  schemas: ReadonlyMap<string, string>,
): OperatorRegistration[] {
  const overload = args[0] === undefined ? null : nameIn(args[0])
  const implementation = args.at(-1)
  const symbol = implementation === undefined ? undefined : FUNCTION.exec(implementation)?.[1]
  const device = method === 'impl' && args.length === 3 ? (args[1] ?? null) : key
  if (overload === null || args.length < 2 || implementation === undefined || symbol === undefined) return []
  if (device !== null && !/(?:^|:|k)CUDA$/.test(device)) return []
  const schema = schemas.get(`${namespace}::${overload}`) ?? null
  // An `impl` whose schema nobody wrote down is registered for an operator of somebody else.
  if (method === 'impl' && schema === null) return []
  const name = overload.replace(/\..*$/, '')
  return [{ namespace, name, overload, schema, implementation, symbol, isStable }]
}

const FUNCTION = /^(?:(?:TORCH_FN|TORCH_BOX)\s*\(\s*)?&?\s*((?:\w+::)*\w+)\s*\)?$/

// `"ns::op.overload(Tensor x) -> Tensor"`, in one literal or several.
function nameIn(literals: string): string | null {
  return /^(?:torch::schema\s*\(\s*)?"\s*(?:\w+::)?(\w+(?:\.\w+)?)/.exec(literals)?.[1] ?? null
}
