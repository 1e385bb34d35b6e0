/** A trace in parts: what it says, and the code it tries out. */
export interface TraceParts {
  /** Paragraphs outside code blocks, in order. */
  readonly paragraphs: readonly string[]
  /** Contents of code blocks, complete or not. */
  readonly code: readonly string[]
}

/** Takes a trace apart; in time linear in its length, whatever it holds. */
export function partsOf(trace: string): TraceParts {
  const pieces = trace.split(/^ {0,3}(?:`{3,}|~{3,})[^\n`]*$/m)
  const prose = pieces.filter((_, index) => index % 2 === 0).join('\n\n')
  return {
    paragraphs: prose.split(/\n\s*\n/).flatMap((each) => (each.trim() === '' ? [] : [each.trim()])),
    code: pieces.filter((_, index) => index % 2 === 1).map((each) => each.trim()),
  }
}

/** Paragraphs that look back at what was written, by the words they begin a sentence with. */
export function isSelfCheck(paragraph: string): boolean {
  return SELF_CHECK.test(paragraph)
}

const SELF_CHECK =
  /(?:^|[.!?:]\s+)(?:but )?(?:wait|hmm|hold on|actually|let(?:'|’)?s? (?:me |us )?(?:double[- ]?check|check|verify|re-?check|test|trace through)|double[- ]?check|to verify|verify(?:ing)?\b|checking\b|does (?:this|that|it) (?:handle|work|match)|is (?:this|that|it) (?:right|correct)|edge cases?\b|self-check)/i

/** A part of a sentence that stands for itself. */
export interface Statement {
  readonly text: string
  /** Which sentence of the trace it is of. */
  readonly sentence: number
  /** Whether it weighs, asks, looks back or speaks of another implementation, so that nothing is asserted of this one. */
  readonly isSupposed: boolean
  /** Whether its sentence takes back what was said before it. */
  readonly retracts: boolean
}

/** What a trace says, clause by clause. Text that wraps is one sentence; the items of a list are sentences of their own. */
export function statementsOf(paragraphs: readonly string[]): Statement[] {
  const sentences = paragraphs.flatMap(sentencesOf).filter((sentence) => sentence.length <= MAX_SENTENCE)
  return sentences.flatMap((text, sentence) => {
    const retracts = RETRACTION.test(text)
    const isAsked = text.endsWith('?')
    return text.split(CLAUSE).map((clause) => ({
      text: clause,
      sentence,
      isSupposed: isAsked || SUPPOSED.test(clause) || OTHERS.test(clause),
      retracts,
    }))
  })
}

function sentencesOf(paragraph: string): string[] {
  const unwrapped = paragraph.replaceAll(/\n(?!\s*(?:[-*•#]|\d{1,2}[.)])\s)\s*/g, ' ')
  return unwrapped
    .split(/(?<=[.!?;])(?<!\b(?:i\.e|e\.g|cf|vs)\.)\s+|\n/)
    .flatMap((each) => (each.trim() === '' ? [] : [each.trim()]))
}

const MAX_SENTENCE = 1000

// What follows such a word has a subject of its own; relative clauses belong to what they stand behind.
const CLAUSE =
  /,?\s(?:but|yet|so|because|since|while|whereas|although|though|hence|therefore|thus)\s|\s[-–—]\s|:\s(?=(?:it|we|i|the|each|this|they|every)\b)/i

const RETRACTION =
  /^(?:[-*•]\s|\d{1,3}[.)]\s)?(?:but |oh,? )?(?:wait|hmm|hm|actually|no,|on second thought|scratch that|hold on|however|but )/i

/** Whether a clause says that what stands in it from `start` to `end` is not so: a negation before it, or one of its verb. */
export function isDenied(clause: string, start: number, end: number): boolean {
  return NEGATED.test(clause.slice(0, start)) || DENIED_AFTER.test(clause.slice(end))
}

/** Whether a clause may deny anything: `isDenied` is false of one that does not. */
export function mayDeny(clause: string): boolean {
  return NEGATED.test(clause) || / (?:un|over|use|point|irr|avoid|drop|skip|rem|gone|off|too)/i.test(clause)
}

const NEGATED =
  /\b(?:not|no|never|without|neither|nor|none|cannot|instead of|rather than|in place of|avoid(?:s|ed|ing)?|skip(?:s|ped|ping)?|drop(?:s|ped|ping)?|remov(?:es?|ed|ing)|needless|too (?:much|many|slow|complex|large|big)|decid(?:ed|e) against|lacks?|free of|except)\b|n(?:'|’)t\b/i

const DENIED_AFTER =
  /^[^,;]{0,25}?\b(?:is|are|was|were|do|does|did|has|have|can|could|would|will|seems?)(?:n(?:'|’)t| (?:not|never|unnecessary|unneeded|overkill|useless|pointless|irrelevant|avoided|dropped|skipped|removed|gone|off the table|too))\b/i

const SUPPOSED =
  /\b(?:could|would|might|may|maybe|perhaps|alternatively|alternative|another (?:way|option|approach)|if|unless|whether|either|should|can|option|consider(?:ed|ing)?|suppose|example|e\.g|usually|typically|generally|normally|ideally|idea|attempt|(?<!(?:is|are|be) )tried|thought (?:about|of)|initially|at first|first (?:wrote|had|used)|originally|earlier|previous(?:ly)?|before|(?<!(?:is|are|be) )used to|was|were|had|later|in future|todo)\b/i

// Who else writes kernels: what theirs do is no claim about this one.
const OTHERS =
  /\b(?:reference|original|eager|naive|baseline|textbook|tutorial|unlike|compared (?:to|with)|cublas\w*|cudnn|cutlass|cutensor|cub|thrust|pytorch(?:(?:'|’)s)?|torch\.compile(?:(?:'|’)s)?|inductor|aten|apex|xformers|flash[- ]?attention|tensorrt|jax|xla|numpy|(?:gpu|cpu|cuda|triton) version)\b/i
