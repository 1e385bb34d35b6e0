import { candidateId } from '../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { measureTrace } from '../reasoning/measured-reasoning.ts'
import { ENTRY_POINT } from './answer.ts'
import type { ParsedAnswer } from './answer.ts'
import { LAUNCHER } from './native-answer.ts'
import type { ParsedNativeAnswer } from './native-answer.ts'

type Read = Extract<ParsedAnswer, { problem: null }>
type ReadNative = Extract<ParsedNativeAnswer, { problem: null }>

/** What an answer itself does not say. */
type Told = Pick<Candidate, 'task_id' | 'origin' | 'generator' | 'source' | 'repo_name' | 'commit_sha' | 'license'>

/** The candidate that an answer is; `language` goes before what the code itself shows. */
export async function candidateOfAnswer(
  read: Read | ReadNative,
  told: Told,
  language: string | null = null,
): Promise<Candidate> {
  const { reasoning, code } = read
  const program = 'python' in read ? moduleOf(read, language) : libraryOf(read)
  const { path, symbol, ...fields } = program
  const candidate = {
    ...told,
    ...fields,
    entry_point: `${path}::${symbol}`,
    sources: [{ path, content: code }],
    kernel_ids: [],
    reasoning: reasoning === null ? null : await measureTrace(reasoning),
    pieces: [],
  }
  return { id: candidateId(candidate), ...candidate }
}

type Program = Pick<Candidate, 'language' | 'form' | 'requires'> & { readonly path: string; readonly symbol: string }

function moduleOf({ python }: Read, language: string | null): Program {
  const requires = [...python.modules]
  return { language: language ?? python.language, form: 'python', requires, path: 'candidate.py', symbol: ENTRY_POINT }
}

// A launcher of another language than the one it is written in cannot be: the compiler goes by the name of the file.
function libraryOf({ language }: ReadNative): Program {
  const path = language === 'cuda' ? 'candidate.cu' : 'candidate.cpp'
  return { language, form: 'native', requires: [], path, symbol: LAUNCHER }
}
