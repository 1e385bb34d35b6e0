import { z } from 'zod'
import { judgedWorkloads } from '../pipelines/core/judged-workloads.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { RecordFilter, Subject, Verdict } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  proved_on: z
    .array(z.enum(['gpu', 'cpu', 'interpreter']))
    .min(1)
    .default(['gpu', 'cpu', 'interpreter'])
    .describe('What may have run it: a GPU, the processor, or Triton’s interpreter, which judges correctness only'),
  claimed: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('What happens to candidates whose verdict is what a file says, with nothing of it run here'),
})
type Options = z.infer<typeof Options>

/** Keeps what ran and was right on every workload that can judge; one that cannot is the task's fault, not the candidate's. */
export const passed: RecordFilter<Options> = {
  id: 'passed',
  version: 3,
  kind: 'record',
  summary: 'Keeps candidates that passed on every workload that can judge them',
  options: Options,
  decide({ evaluations, facts }, options) {
    if (evaluations.length === 0) return decideByFacts(facts, options)
    const judged = judgedWorkloads(evaluations)
    const deciding = judged.length === 0 ? evaluations : judged
    const share = deciding.filter(({ status }) => status === 'PASSED').length / deciding.length
    return refuseFailure(deciding, share) ?? refuseProof(deciding, options, share) ?? keep(share, 1)
  },
}

// What another program judged comes without its evaluations.
function decideByFacts({ status, proved_on, passed_share }: Subject['facts'], options: Options): Verdict {
  if (status === null) return refuse('not_validated', 'there is no evaluation of this candidate')
  if (status !== 'PASSED') return refuse(status.toLowerCase(), 'as its file says', passed_share, 1)
  if (options.claimed === 'refuse')
    return refuse('claimed_only', 'a file says so, and nothing of it was run here', passed_share, 1)
  const enough: readonly (string | null)[] = options.proved_on
  if (proved_on === null || enough.includes(proved_on)) return keep(passed_share ?? 1, 1)
  return refuse('insufficient_proof', `it was proved on ${proved_on}, not on ${options.proved_on.join(', ')}`, 1, 1)
}

// A failure says more than a workload that could not be run here, so it gives the reason where there are both.
function refuseFailure(evaluations: readonly Evaluation[], share: number): Verdict | null {
  const failures = evaluations.filter(({ status }) => status !== 'PASSED')
  const worst = failures.find(({ status }) => status !== 'NOT_RUN') ?? failures[0]
  if (worst === undefined) return null
  const cause = [worst.stage, worst.cause].filter((part) => part !== null).join(' ')
  const detail = `${failures.length} of ${evaluations.length} workloads, such as ${worst.workload_id}${cause === '' ? '' : `: ${cause}`}`
  return refuse(worst.status.toLowerCase(), detail, share, 1)
}

function refuseProof(evaluations: readonly Evaluation[], options: Options, share: number): Verdict | null {
  const enough: readonly (string | null)[] = options.proved_on
  const weak = evaluations.find(({ proved_on }) => !enough.includes(proved_on))
  if (weak === undefined) return null
  const detail = `workload ${weak.workload_id} was proved on ${weak.proved_on ?? 'nothing'}, not on ${options.proved_on.join(', ')}`
  return refuse('insufficient_proof', detail, share, 1)
}
