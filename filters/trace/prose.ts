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

/** Sentences that assert something of the code: none that asks, weighs, negates or speaks of the reference or another way. */
export function assertionsOf(paragraphs: readonly string[]): string[] {
  return paragraphs
    .flatMap((paragraph) => paragraph.split(/(?<=[.!?;])\s+|\n/))
    .filter((sentence) => sentence.length <= MAX_SENTENCE && !HEDGED.test(sentence) && !sentence.includes('?'))
}

const MAX_SENTENCE = 1000

const HEDGED =
  /\b(?:not|no|never|without|instead of|rather than|avoid(?:s|ing)?|could|would|might|may|maybe|perhaps|alternatively|alternative|another (?:way|option|approach)|if|unless|should(?:n't)?|can(?:'|’)t|cannot|don(?:'|’)t|doesn(?:'|’)t|isn(?:'|’)t|won(?:'|’)t|unlike|reference|original|pytorch(?:'|’)s|eager|previous(?:ly)?|was|were|had|option|consider|suppose|example|usually|typically|generally|wait)\b/i
