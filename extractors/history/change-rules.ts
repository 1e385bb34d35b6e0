import type { CHANGES } from '../../pipelines/core/records/trajectory.ts'

type Change = (typeof CHANGES)[number]

/** What a rule looks at: what people said, cleaned, and the lines of code, without comments and spacing, that went and came. */
export interface ChangeFacts {
  /** First lines of the messages, oldest first. */
  readonly subjects: readonly string[]
  readonly body: string
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** A rule: what it speaks for, how loudly, and what it saw, or null where it has nothing to say. */
interface ChangeRule {
  readonly name: string
  readonly change: Change
  readonly weight: number
  readonly see: (facts: ChangeFacts) => string | null
}

/**
 * The class of a change and what it was decided on. Several rules may speak; the loudest class wins. A refactoring changes nothing
 * else, so it loses ties; any other tie, and silence, is `other`.
 */
export function classifyChange(facts: ChangeFacts): { readonly change: Change; readonly evidence: string[] } {
  const scores = new Map<Change, number>()
  const evidence: string[] = []
  for (const { name, change, weight, see } of RULES) {
    const seen = see(facts)
    if (seen === null) continue
    scores.set(change, (scores.get(change) ?? 0) + weight)
    evidence.push(`${name}: ${seen} (${change} +${weight})`)
  }
  const [first, second] = [...scores].toSorted(
    ([a, left], [b, right]) => right - left || Number(a === 'refactor') - Number(b === 'refactor'),
  )
  const isClear = first !== undefined && (first[1] > (second?.[1] ?? 0) || second?.[0] === 'refactor')
  return { change: isClear ? first[0] : 'other', evidence }
}

const PERFORMANCE_WORDS =
  /\b(?:perf|performance|speed[- ]?ups?|speed up|faster|slow(?:er|ness)?|optimi[sz]\w*|latency|throughput|bandwidth|vectori[sz]\w*|fus(?:e|es|ing|ion)|(?:auto)?tun(?:e|es|ed|ing)|coalesc\w*|occupancy|num_warps|num_stages|efficien\w*|memory (?:usage|footprint|saving)|reduce memory|block[_ ]?sizes?|avoid (?:copy|recomput\w*|extra)|in-?place)\b/i
const CORRECTNESS_WORDS =
  /\b(?:fix(?:es|ed|ing)?|bug(?:fix)?s?|incorrect\w*|wrong|nan|inf|overflow\w*|underflow|precision|numerical\w*|accuracy|race|illegal memory|out of bounds?|oob|crash\w*|fail(?:s|ed|ure|ing)?|correct(?:s|ed|ness)?|broken|regression|int64|edge case|mismatch|non-?contiguous|guards?|compatib\w*|compiles?|compilation)\b/i
const REFACTOR_WORDS =
  /\b(?:refactor\w*|rename\w*|clean[- ]?ups?|format(?:ting|ter)?|lint\w*|ruff|black|style|typos?|mov(?:e|es|ed|ing)|reorgani[sz]\w*|restructur\w*|simplif\w*|docstrings?|comments?|type hints?|typing|pre-commit|copyright|license header|deprecat\w*|unif(?:y|ies|ied)|remove (?:unused|dead|redundant))\b/i
const FEATURE_WORDS =
  /\b(?:add(?:s|ed|ing)?|support(?:s|ed|ing)?|implement(?:s|ed|ing|ation)?|introduc\w*|enabl\w*|new|feat(?:ure)?s?|extend\w*|allow\w*)\b/i

// `fix:`, `perf(rope)!:`, `[Perf]`: who writes a prefix has decided already. https://www.conventionalcommits.org/en/v1.0.0/
const PREFIX = /^\s*(?:\[([^\]]+)\]|([a-z]+)(?:\([^)]*\))?!?:)/i
const PREFIXES: readonly { readonly change: Change; readonly words: RegExp }[] = [
  { change: 'performance', words: /^(?:perf|performance|optimi[sz]\w*|tune|tuning)\b/i },
  { change: 'correctness', words: /^(?:fix|bug ?fix|hot ?fix|bugs?)\b/i },
  { change: 'refactor', words: /^(?:refactor|chore|style|docs?|ci|build|cleanup|clean|lint|misc|tests?|revert)\b/i },
  { change: 'other', words: /^(?:feat|feature|new|add)\b/i },
]

const RULES: readonly ChangeRule[] = [
  ...PREFIXES.map(({ change, words }): ChangeRule => ({
    name: 'prefix of the subject',
    change,
    weight: 6,
    see: ({ subjects }) => firstSeen(subjects.map(prefixOf), words),
  })),
  subjectRule('performance', 4, PERFORMANCE_WORDS),
  subjectRule('correctness', 4, CORRECTNESS_WORDS),
  subjectRule('refactor', 4, REFACTOR_WORDS),
  subjectRule('other', 2, FEATURE_WORDS),
  {
    name: 'repairs words, not code',
    change: 'refactor',
    weight: 6,
    see: ({ subjects }) =>
      firstSeen(subjects, /\bfix(?:es|ed)?\b[^.;]{0,40}\b(?:typos?|comments?|docstrings?|lint\w*|format\w*|style)\b/i),
  },
  bodyRule(
    'performance',
    /\b\d+(?:\.\d+)?\s?(?:x|%|×)\s?(?:\w+\s){0,2}(?:faster|speed\w*|less|lower|improve\w*|gain)/i,
  ),
  bodyRule(
    'correctness',
    /\b(?:bugs?|crash\w*|incorrect\w*|wrong|NaNs?|illegal memory|(?:compil\w+|runtime|\w+)\s?errors?|no longer allow\w*|fails?)\b/,
  ),
  {
    name: 'only names differ',
    change: 'refactor',
    weight: 8,
    see: ({ removed, added }) => (sameButForNames(removed, added) ? `${removed.length} lines` : null),
  },
  {
    name: 'only layout differs',
    change: 'refactor',
    weight: 8,
    see: ({ removed, added }) => (sameButForLayout(removed, added) ? `${removed.length} lines` : null),
  },
  {
    name: 'only launch parameters differ',
    change: 'performance',
    weight: 6,
    see: ({ removed, added }) => (sameButForLaunch(removed, added) ? (added[0] ?? '').trim().slice(0, 80) : null),
  },
  codeRule('index arithmetic in 64 bits', 'correctness', 2, /\bint64\b/),
  codeRule('arithmetic in float32', 'correctness', 1, /\bfloat32\b/),
  codeRule(
    'guards a division, logarithm or infinity',
    'correctness',
    1,
    /\bisfinite\b|\bisnan\b|\beps\b|float \( "-?inf" \)/,
  ),
  codeRule(
    'hints to the compiler',
    'performance',
    2,
    /\bmultiple_of\b|\bmax_contiguous\b|\beviction_policy\b|\bcache_modifier\b/,
  ),
  codeRule('autotune', 'performance', 2, /\bautotune\b|\btriton \. Config\b/),
]

function subjectRule(change: Change, weight: number, words: RegExp): ChangeRule {
  const see: ChangeRule['see'] = ({ subjects }) => firstSeen(subjects.map(withoutPrefix), words)
  return { name: 'word of the subject', change, weight, see }
}

// The first paragraphs of a body say what is wrong or gained; what follows is detail of all kinds.
function bodyRule(change: Change, words: RegExp): ChangeRule {
  return { name: 'word of the body', change, weight: 2, see: ({ body }) => firstMatch(body.slice(0, 800), words) }
}

function codeRule(name: string, change: Change, weight: number, pattern: RegExp): ChangeRule {
  return {
    name,
    change,
    weight,
    see: ({ removed, added }) => {
      const before = removed.filter((line) => pattern.test(line)).length
      const after = added.filter((line) => pattern.test(line))
      return after.length > before ? (after[0] ?? '').trim().slice(0, 80) : null
    },
  }
}

function prefixOf(subject: string): string {
  const [, bracket, word] = PREFIX.exec(subject) ?? []
  return (bracket ?? word ?? '').trim()
}

function withoutPrefix(subject: string): string {
  return subject.replace(PREFIX, '')
}

function firstSeen(texts: readonly string[], pattern: RegExp): string | null {
  return texts.map((text) => firstMatch(text, pattern)).find((seen) => seen !== null) ?? null
}

function firstMatch(text: string, pattern: RegExp): string | null {
  return pattern.exec(text)?.[0] ?? null
}

// Equal once what formatters add and take away is left out.
function sameButForLayout(removed: readonly string[], added: readonly string[]): boolean {
  const bare = (lines: readonly string[]): string => lines.join('').replaceAll(/[\s()\\,'"]/g, '')
  return removed.length + added.length > 0 && bare(removed) === bare(added)
}

// Equal once the values of block sizes, warps and stages are left out.
function sameButForLaunch(removed: readonly string[], added: readonly string[]): boolean {
  if (added.length === 0) return false
  const bare = (lines: readonly string[]): string => lines.join('\n').replaceAll(LAUNCH_VALUE, '$1')
  return bare(removed) === bare(added)
}

const LAUNCH_VALUE =
  /((?<!\w)["']?(?:num_warps|num_stages|num_ctas|MAX_FUSED_SIZE|\w*BLOCK\w*|GROUP_SIZE\w*)["']?) (?:=|:) [^,()\n]+(?:\([^()\n]*\))?/g

// Equal once every identifier is replaced by the number of its first appearance.
function sameButForNames(removed: readonly string[], added: readonly string[]): boolean {
  if (removed.length === 0 || removed.length !== added.length) return false
  return canonical(removed) === canonical(added)
}

function canonical(lines: readonly string[]): string {
  const numbers = new Map<string, number>()
  return lines.join('\n').replaceAll(/(?<![\w"'])[A-Za-z_]\w*(?!["'])/g, (name) => {
    if (KEYWORDS.has(name)) return name
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return `$${number}`
  })
}

const KEYWORDS = new Set(
  'False None True and as assert break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)
