import type { Candidate } from '../../core/records/candidate.ts'
import { normalizeSource } from '../../core/source-text.ts'

/** Code without what means nothing to its compiler: candidates that share it are the same. */
export function codeOf({ sources, language }: Pick<Candidate, 'sources' | 'language'>): string {
  const isPython = (path: string): boolean => path.endsWith('.py')
  return sources.map(({ path, content }) => normalizeSource(content, isPython(path) ? 'python' : language)).join('\n')
}
