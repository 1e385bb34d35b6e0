import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import { withoutPersonalData } from './personal-data.ts'

/**
 * A commit message as a text about the change: without what names people, places on the network or the project's own
 * bookkeeping. Addresses and handles become `[email]`, `[link]` and `[name]`.
 */
export function cleanMessage(subject: string, body: string): string {
  const title = subject.replace(PULL_REQUEST, '').trim()
  const sections = withoutForms(withoutBookkeeping(body))
  return anonymous([title, ...sections].join('\n\n')).trim()
}

const PULL_REQUEST = /\s*\((?:GH-|PR ?|#)\s?#?\d+\)/gi

function withoutBookkeeping(body: string): string {
  return body
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/<!--[\s\S]*?-->|<img\b[^>]*>|!\[[^\]\n]*\]\([^)\n]*\)/gi, '')
    .split('\n')
    .filter((line) => !BOOKKEEPING.some((pattern) => pattern.test(line)))
    .map((line) => line.trimEnd())
    .join('\n')
}

// Trailers (git-interpret-trailers) and what forges and review tools add; check lists are forms, not reasons.
const BOOKKEEPING: readonly RegExp[] = [
  /^\s*(?:signed-off|co-?authored|reviewed|acked|tested|reported|suggested|approved|reported-and-tested|helped|cherry[- ]picked|assisted|generated)[- ](?:off-)?by\s*:/i,
  /^\s*(?:cc|change-id|reviewed-on|differential revision|reviewers?|subscribers|tags|test plan|pulled by|git-svn-id|ghstack-source-id|pull[- ]request(?:[- ]resolved)?|on-behalf-of|piperorigin-revid|copybara-import-review)\s*:/i,
  /^\s*(?:fix(?:es|ed)?|clos(?:es|ed?)|resolv(?:es|ed?)|refs?|see(?: also)?|related(?: to)?|part of)\s*:?\s*(?:#\d+|https?:\/\/\S+)[\s.,]*$/i,
  // What `git log` prints above a message, pasted into the one of a squashed branch.
  /^(?:commit [0-9a-f]{7,64}|(?:author|commit|authordate|commitdate|date):\s.*)$/i,
  /^\s*\(cherry picked from commit [0-9a-f]+\)/i,
  /^\s*[-*]\s*\[[ xX]\]/,
  /^\s*-{3,}\s*$/,
]

// Paragraphs without sections that tell how something was tested, and without headings that nothing follows any more.
function withoutForms(body: string): string[] {
  const kept: string[] = []
  let formLevel = Infinity
  for (const paragraph of body.split(/\n{2,}|\n(?=#{1,6} )/).map((each) => each.trim())) {
    const level = headingLevel(paragraph)
    if (level <= formLevel) formLevel = FORM.test(paragraph) ? level : Infinity
    if (formLevel === Infinity && paragraph !== '' && !isSquashedSubject(paragraph)) kept.push(paragraph)
  }
  return kept.filter((paragraph, index) => !isBareHeading(paragraph) || !isHeading(kept[index + 1] ?? '#'))
}

const FORM = /^#{1,6} *(?:test(?:s|ing|ed)?\b|how (?:was|has) this|check ?list|screenshots?)/i

// `* Fix typo`: what a forge leaves of the commits of a squashed branch, one paragraph each.
function isSquashedSubject(paragraph: string): boolean {
  return /^\* [^\n]*$/.test(paragraph) && paragraph.split(/\s+/).length < 8
}

function headingLevel(paragraph: string): number {
  return /^#+(?= )/.exec(paragraph)?.[0].length ?? Infinity
}

function isHeading(paragraph: string): boolean {
  return paragraph.startsWith('#')
}

function isBareHeading(paragraph: string): boolean {
  return headingLevel(paragraph) < Infinity && !paragraph.includes('\n')
}

function anonymous(text: string): string {
  const linked = withoutSecrets(text)
    .replaceAll(/!?\[([^[\]\n]{0,300})\]\((?:https?:\/\/|mailto:)[^)\s]*\)/gi, '$1')
    .replaceAll(/<?\bhttps?:\/\/[^\s<>)\]]*[^\s<>)\].,;:!?'"]>?/gi, '[link]')
  return withoutPersonalData(linked)
    .replaceAll(HANDLE, '[name]')
    .replaceAll(PULL_REQUEST, '')
    .replaceAll(/(?<![\w&])(?:[\w.-]+\/[\w.-]+)?#\d+\b/g, '[issue]')
}

// Not a decorator (`@triton.jit`, `@jit(`), not a product (`q @k`, `A@B`), not inside code.
const HANDLE =
  /(?<![\w`@.\])/])@(?!(?:jit|autotune|heuristics|torch|triton|staticmethod|property|pytest)\b)[A-Za-z\d][A-Za-z\d-]{2,38}(?![\w.(`@])/g
