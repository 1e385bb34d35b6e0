import type { Judged } from '../types.ts'
import { CLAIM_RULES } from './claim-rules.ts'
import type { ClaimRule } from './claim-rules.ts'
import { inCode } from './code-evidence.ts'
import type { ClaimGround } from './code-evidence.ts'
import { isDenied, mayDeny, partsOf, statementsOf } from './prose.ts'
import type { Statement } from './prose.ts'

/** One thing that a trace says of its kernel, and whether it is so. */
export interface Claim {
  /** Kind, with the value that is claimed: `block_size 256`, `name rows_kernel`. */
  readonly claim: string
  readonly holds: boolean
  /** Where it shows; what is said where it does not hold. */
  readonly evidence: string
}

/**
 * The claims of a trace that code or ptxas can decide, each once. A trace that weighs other ways is not held to them: clauses that
 * ask, negate, suppose or speak of other implementations are left out (filters/trace/prose.ts), and so is what does not hold and is
 * taken back later.
 */
export function claimsOf(trace: string, judged: Pick<Judged, 'candidate' | 'evaluations'>): Claim[] {
  const ground = groundOf(judged)
  const statements = statementsOf(partsOf(trace.slice(0, MAX_CHARACTERS)).paragraphs)
  const words = new Set(ground.code.match(/[A-Za-z_]\w*/g))
  const made = statements.flatMap((statement) => [...ruled(statement, ground), ...named(statement, ground, words)])
  const shown = new Set(made.flatMap(({ rule, holds }) => (holds ? [rule.id] : [])))
  const takenBack = retractionsIn(statements)
  const claims = new Map<string, Claim>()
  for (const { claim, holds, evidence, rule, hasValue, statement } of made) {
    // A number that is not there is a plan of before where another one is.
    const isPlan = !holds && ((hasValue && shown.has(rule.id)) || takenBack(rule, statement))
    if (!isPlan && !claims.has(claim)) claims.set(claim, { claim, holds, evidence })
  }
  return [...claims.values()]
}

// Ten times what the longest traces of published datasets have.
const MAX_CHARACTERS = 1_000_000

function groundOf({ candidate, evaluations }: Pick<Judged, 'candidate' | 'evaluations'>): ClaimGround {
  return {
    code: candidate.sources.map(({ content }) => content).join('\n'),
    language: candidate.language,
    kernels: evaluations.find(({ build }) => (build?.kernels.length ?? 0) > 0)?.build?.kernels ?? [],
  }
}

interface Made extends Claim {
  readonly rule: Pick<ClaimRule, 'id' | 'said'>
  readonly hasValue: boolean
  readonly statement: Statement
}

function ruled(statement: Statement, ground: ClaimGround): Made[] {
  if (statement.isSupposed) return []
  return CLAIM_RULES.flatMap((rule) =>
    assertedIn(statement, rule).flatMap((match) => {
      const values = match.slice(1).flatMap((group) => (group === undefined ? [] : [numberOf(group)]))
      const shown = rule.shownBy(ground, values)
      if (shown === undefined) return []
      const hasValue = values.length > 0
      return [
        {
          ...claimOf(hasValue ? `${rule.id} ${values.join('x')}` : rule.id, shown, statement),
          rule,
          hasValue,
          statement,
        },
      ]
    }),
  )
}

function assertedIn(
  { text }: Statement,
  { said, isNegative = false }: Pick<ClaimRule, 'said' | 'isNegative'>,
): RegExpExecArray[] {
  const found = [...text.matchAll(said)]
  return isNegative ? found : found.filter(({ index, 0: { length } }) => !isDenied(text, index, index + length))
}

// A name in code marks that looks like one of the kernel's own or of Triton's: names of other libraries may be spoken of without being
// used.
function named(statement: Statement, ground: ClaimGround, words: ReadonlySet<string>): Made[] {
  if (statement.isSupposed) return []
  return assertedIn(statement, { said: NAME }).flatMap(([, name = '']) => {
    const isDotted = /[.:]/.test(name)
    if (isDotted ? !OWN_DOTTED.test(name) : !/_|[a-z][A-Z\d]|[A-Z]{2}/.test(name) || PLAIN.test(name)) return []
    const rule = { id: `name ${name}`, said: NAME }
    const pattern = new RegExp(`(?<!\\w)${name.replaceAll('.', String.raw`\.`)}\\b`)
    const shown = words.has(name.split(/[.:]/).at(-1) ?? '') ? inCode(ground, pattern) : null
    return [{ ...claimOf(rule.id, shown, statement), rule, hasValue: false, statement }]
  })
}

const NAME = /`@?([A-Za-z_][\w.:]{1,60}\w)(?:\([^`]{0,60}\))?`/g
// Types stand for what is done with them, for which there are rules.
const PLAIN = /^(?:u?int|float|half|double)\d+$/
const OWN_DOTTED = /^(?:tl|triton|at|wmma|cute|gridDim|blockDim|blockIdx|threadIdx)(?:\.|::)/

// Taken back: by a sentence right after it that begins so, or by a later clause that says the same is not there.
function retractionsIn(statements: readonly Statement[]): (rule: Made['rule'], said: Statement) => boolean {
  const retracting = new Set(statements.flatMap(({ retracts, sentence }) => (retracts ? [sentence] : [])))
  const lastDenied = new Map<string, number>()
  for (const { text, sentence } of statements.filter((each) => mayDeny(each.text))) {
    for (const { id, said } of [...CLAIM_RULES, { id: 'name', said: NAME }]) {
      for (const { index, 0: whole, 1: name } of text.matchAll(said)) {
        if (isDenied(text, index, index + whole.length))
          lastDenied.set(id === 'name' ? `name ${name ?? ''}` : id, sentence)
      }
    }
  }
  return ({ id }, { sentence }) =>
    retracting.has(sentence + 1) || retracting.has(sentence + 2) || (lastDenied.get(id) ?? -1) > sentence
}

const WORDS: Readonly<Record<string, number>> = {
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  sixteen: 16,
  'thirty-two': 32,
  'sixty-four': 64,
}

function numberOf(text: string): number {
  return WORDS[text.toLowerCase()] ?? Number(text)
}

function claimOf(claim: string, shown: string | null, { text }: Statement): Claim {
  const said = text.length > 160 ? `${text.slice(0, 160)}…` : text
  return { claim, holds: shown !== null, evidence: shown ?? `said: ${said}` }
}
