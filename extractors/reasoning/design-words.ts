/**
 * Words that explanations of kernels are made of. A message explains a design where it names mechanisms and says why:
 * both lists are counted by `explainsDesign`, and a reader can check the verdict by eye.
 */
const MECHANISMS: readonly RegExp[] = [
  /\bcach(?:e|es|ed|ing)\b|\bL[12]\b/i,
  /\bregisters?\b|\bspill(?:s|ed|ing)?\b/i,
  /\bshared memory\b|\bsmem\b|\bSRAM\b/i,
  /\bglobal memory\b|\bDRAM\b|\bHBM\b|\bmemory (?:traffic|access(?:es)?|bound|bandwidth|round[- ]trips?)\b/i,
  /\bcoalesc\w+/i,
  /\bbanks?\b/i,
  /\bvectori[sz]\w+|\bSIMD\b|\bfloat4\b|\bhalf2\b|\bAVX\w*/i,
  /\bwarps?\b|\blanes?\b|\bwavefronts?\b/i,
  /\boccupancy\b/i,
  /\bbandwidth\b|\bthroughput\b|\blatency\b/i,
  /\bfus(?:e|es|ed|ing|ion)\b/i,
  /\btil(?:e|es|ed|ing)\b|\bblock[- _]?sizes?\b|\bBLOCK_\w+/i,
  /\bautotun\w*|\bnum_warps\b|\bnum_stages\b/i,
  /\bunroll\w*/i,
  /\bprefetch\w*|\bpipelin\w+|\bdouble[- ]buffer\w*/i,
  /\b(?:un)?align(?:ed|ment)\b/i,
  /\bbarriers?\b|\bsynchroni[sz]\w+|\batomics?\b/i,
  /\binstructions?\b|\bshuffles?\b|\btensor cores?\b|\bmma\b|\bwgmma\b/i,
  /\breductions?\b|\baccumulat\w+/i,
  /\bintermediates?\b|\bmaterializ\w+|\bin[- ]place\b|\brecomput\w+/i,
  /\bloads?\b|\bstores?\b|\bread(?:s)? (?:once|twice|back)\b/i,
  /\bpersistent\b|\bsplit-?k\b|\bprogram_id\b|\bgrid\b/i,
  /\bthreads?\b|\bparallel(?:ism|i[sz]\w+)?\b|\boverlap\w*/i,
  /\bloops?\b|\bbranch(?:es|ing)?\b|\bmask(?:s|ed|ing)?\b/i,
  /\boverflow\w*|\bcancel(?:s|lation)\b|\bnumerically\b|\bprecision\b|\bfp32\b|\bfloat32\b/i,
]

const REASONS: readonly RegExp[] = [
  /\bbecause\b|\bsince\b|\bas (?:it|they|the)\b/i,
  /\bso (?:that|all|both|each|it|only|the|they)\b|\bin order to\b|\bwhich (?:means|lets|allows|avoids|leaves|spares)\b/i,
  /\binstead of\b|\brather than\b|\bno longer\b|\bwithout\b|\bneeds? (?:neither|no)\b/i,
  /\bavoid(?:s|ed|ing)?\b|\bprevent(?:s|ed|ing)?\b|\bsav(?:e|es|ing)\b|\bspar(?:e|es)\b|\beliminat\w+|\bskip(?:s|ped|ping)?\b/i,
  /\botherwise\b|\btherefore\b|\bthus\b|\bhence\b|\bdue to\b/i,
  /\breduc(?:e|es|ed|ing)\b|\bhalv(?:e|es|ing)\b|\bfewer\b|\b(?:half|a quarter) (?:of|as)\b|\b\d+(?:\.\d+)?x (?:faster|fewer|less|IO)\b/i,
  /\bfaster\b|\bslow(?:er|s|ed)?\b|\bspeed(?:s|ing)?[- ]?ups?\b|\bspeedups?\b|\befficien\w+|\bperformance\b/i,
  /\bbottleneck\w*|\blimit(?:s|ed)\b|\bdominat\w+|\boverhead\b|\bredundant\b|\bunnecessary\b|\bcontention\b|\bconflicts?\b|\bseriali[sz]\w+/i,
]

/** What a message has to hold to count as an explanation. */
export interface DesignThresholds {
  readonly min_words: number
  readonly min_mechanisms: number
  readonly min_reasons: number
}

/** Whether a cleaned message explains an optimisation or a design. */
export function explainsDesign(text: string, thresholds: DesignThresholds): boolean {
  const { words, mechanisms, reasons } = countDesignWords(text)
  return words >= thresholds.min_words && mechanisms >= thresholds.min_mechanisms && reasons >= thresholds.min_reasons
}

/** Words, and how many different kinds of mechanism and of reason a text names. */
function countDesignWords(text: string): { words: number; mechanisms: number; reasons: number } {
  const prose = text.replaceAll(/```[\s\S]*?```/g, ' ')
  const matching = (patterns: readonly RegExp[]): number => patterns.filter((pattern) => pattern.test(prose)).length
  return {
    words: prose.split(/\s+/).filter((word) => /\p{L}/u.test(word)).length,
    mechanisms: matching(MECHANISMS),
    reasons: matching(REASONS),
  }
}
