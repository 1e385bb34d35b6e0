import type { Selection } from '../types.ts'
import { fenced } from '../../pipelines/core/fenced-block.ts'

/** Tells the writer of a kernel what became of it, in the words of the validator. A changed word is a new version. */
export const continueKernel = {
  id: 'continue-kernel',
  version: 1,
  renderFeedback({ facts, evaluations }: Pick<Selection, 'facts' | 'evaluations'>): string {
    if (facts.status === null) return 'Improve the implementation.'
    if (facts.status === 'PASSED')
      return `The implementation is correct. ${speedOf(facts.speedup_eager)} Make it faster.`
    const failure = evaluations.find(({ status }) => status !== 'PASSED')
    const cause = [failure?.stage, failure?.cause].filter((part) => part !== null && part !== undefined).join(' ')
    const log = failure?.log.trim() ?? ''
    const parts = [`The implementation failed: ${facts.status}${cause === '' ? '' : ` (${cause})`}.`]
    if (log !== '') parts.push(fenced('', log.slice(0, MAX_LOG)))
    return [...parts, 'Find the mistake and correct it.'].join('\n\n')
  },
} as const

// Enough for the first error of a compiler with the lines around it.
const MAX_LOG = 4000

function speedOf(speedup: number | null): string {
  if (speedup === null) return 'It was not timed.'
  return `It is ${speedup.toFixed(2)} times as fast as the reference.`
}
