import { MAIL_ADDRESS } from '../../pipelines/core/secrets.ts'
import type { Judged } from '../types.ts'

/** Texts in code, reference and reasoning that nobody may publish. */
export function safetyFacts({ candidate, task }: Pick<Judged, 'candidate' | 'task'>) {
  const texts = [...candidate.sources.map(({ content }) => content), task.reference, candidate.reasoning?.text ?? '']
  return { secrets: countOf(SECRETS, texts), personal_data: countOf(PERSONAL, texts) }
}

// The fixed prefixes of the issuers, as gitleaks and GitHub's secret scanning list them; each with a bound, so that time is linear.
const SECRETS = [
  /\b(?:hf_[A-Za-z0-9]{30,64}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{40,255}|glpat-[\w-]{20,64})\b/g,
  /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,200}\b/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[\w-]{35}\b/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,100}\b/g,
  /-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?-----/g,
  /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^/\s:@'"]{1,64}:[^/\s:@'"]{1,64}@[\w.-]{3,}/g,
]

// Numbers need their country code.
const PERSONAL = [MAIL_ADDRESS, /(?<![\w.])\+[1-9]\d{0,2}[ -]\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}\b/g]

function countOf(patterns: readonly RegExp[], texts: readonly string[]): number {
  return texts.reduce(
    (sum, text) => sum + patterns.reduce((own, pattern) => own + (text.match(pattern)?.length ?? 0), 0),
    0,
  )
}
