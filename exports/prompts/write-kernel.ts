import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { SourceFile } from '../../pipelines/core/records/provenance.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { fenced } from '../../pipelines/core/fenced-block.ts'

/**
 * Asks for a faster implementation of a PyTorch program and renders the answer. The last code block of an answer is the
 * kernel, as the published models of this field have it. A changed word is a new version.
 */
export const writeKernel = {
  id: 'write-kernel',
  version: 3,
  renderQuestion(
    task: Pick<Task, 'reference'>,
    candidate: Pick<Candidate, 'language' | 'form' | 'entry_point'>,
  ): string {
    return [
      `Write a fast ${LANGUAGES[candidate.language] ?? candidate.language} implementation of the following PyTorch program.`,
      '',
      fenced('python', task.reference),
      '',
      FORMS[candidate.form],
      `The entry point is \`${candidate.entry_point}\`.`,
      'It must compute the same result as `Model` for every input that `get_inputs()` can give, within rounding, and must not change its inputs.',
    ].join('\n')
  },
  /** Every file in a code block of its own under its name; the one that holds the entry point last. */
  renderAnswer({ sources, entry_point }: Pick<Candidate, 'sources' | 'entry_point'>): string {
    if (sources.length === 1) return sources.map(codeBlock).join('')
    const isEntry = ({ path }: SourceFile): boolean => entry_point.startsWith(`${path}::`)
    const ordered = [...sources.filter((file) => !isEntry(file)), ...sources.filter(isEntry)]
    return ordered.map((file) => `\`${file.path}\`:\n\n${codeBlock(file)}`).join('\n\n')
  },
} as const

// Candidates of a file that was handed in may be in a language that nobody named.
const LANGUAGES: Readonly<Record<string, string>> = {
  triton: 'Triton',
  cuda: 'CUDA',
  cpp: 'C++',
  torch: 'PyTorch',
  unknown: 'kernel',
}

const FORMS: Readonly<Record<Candidate['form'], string>> = {
  python:
    'Answer with a complete Python module that defines the class `ModelNew`, with the same constructor and `forward` as `Model`.',
  native: [
    'Answer with a complete source file without PyTorch that exports the launcher `extern "C" int run(void **in, void **out, const int64_t *dims, void *workspace, void *stream)`.',
    '`in` points to the arguments of `forward`, then to the parameters and buffers of `Model` in the order of its `state_dict()`: contiguous tensors, integers as `int64_t`, floats as `double`.',
    '`out` points to the contiguous tensors that `forward` returns, which the launcher writes. `dims` holds, for each of `in` and then of `out`, the number of dimensions and then the sizes.',
    '`workspace` has as many bytes as `extern "C" int64_t workspace_bytes(const int64_t *dims)` returns, where that is defined; `stream` is the CUDA stream. It returns 0.',
  ].join(' '),
  device: 'Answer with complete source files of the device code and its launch plan.',
}

const FENCE_NAMES: Readonly<Record<string, string>> = {
  py: 'python',
  cu: 'cuda',
  cuh: 'cuda',
  cpp: 'cpp',
  cc: 'cpp',
  h: 'cpp',
  hpp: 'cpp',
  json: 'json',
}

function codeBlock({ path, content }: SourceFile): string {
  return fenced(FENCE_NAMES[path.slice(path.lastIndexOf('.') + 1)] ?? '', content)
}
