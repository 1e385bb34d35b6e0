import { candidateId } from '../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { measureTrace } from '../reasoning/measured-reasoning.ts'
import { ENTRY_POINT } from './answer.ts'
import type { ParsedAnswer } from './answer.ts'

type Read = Extract<ParsedAnswer, { problem: null }>

/** What an answer itself does not say. */
type Told = Pick<Candidate, 'task_id' | 'origin' | 'generator' | 'source' | 'repo_name' | 'commit_sha' | 'license'>

/** The candidate that an answer is; `language` goes before what the code itself shows. */
export async function candidateOfAnswer(
  { reasoning, code, python }: Read,
  told: Told,
  language: string | null = null,
): Promise<Candidate> {
  const candidate = {
    ...told,
    language: language ?? python.language,
    form: 'python' as const,
    entry_point: `${FILE}::${ENTRY_POINT}`,
    sources: [{ path: FILE, content: code }],
    requires: [...python.modules],
    kernel_ids: [],
    reasoning: reasoning === null ? null : await measureTrace(reasoning),
    pieces: [],
  }
  return { id: candidateId(candidate), ...candidate }
}

const FILE = 'candidate.py'
