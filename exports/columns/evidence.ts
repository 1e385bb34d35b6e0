import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { canonicalJson } from '../../pipelines/core/hash.ts'
import { speedOutcome } from '../../pipelines/core/speedup.ts'
import type { Selection } from '../types.ts'
import type { SelectionColumn } from './selection-column.ts'

const BASELINE = {
  compile: 'the reference under `torch.compile`',
  best: 'the fastest baseline of each workload, eager mode where it is the only one',
}

/** What was proved of the row, on what, and how fast it ran. */
export const evidenceColumns: readonly SelectionColumn[] = [
  {
    name: 'proved_on',
    type: 'string',
    nullable: true,
    description:
      'What ran it: `gpu`, `cpu`, `interpreter` (Triton’s, which says nothing of speed) or `compiler` (not run); the weakest over all workloads; null if nothing did',
    valueOf: ({ facts }) => facts.proved_on,
  },
  {
    name: 'is_claimed',
    type: 'boolean',
    nullable: true,
    description:
      'Whether verdict and figures are what a file said that was handed in, with nothing of them run by `validator`; null if never judged',
    valueOf: ({ facts }) => facts.is_claimed,
  },
  {
    name: 'statuses',
    type: { list: 'string' },
    nullable: false,
    description: 'Verdict per workload: `PASSED` or the kind of failure',
    statistics: false,
    valueOf: ({ evaluations, facts }) =>
      evaluations.length === 0 && facts.status !== null ? [facts.status] : evaluations.map(({ status }) => status),
  },
  {
    name: 'speedup',
    type: 'double',
    nullable: true,
    description:
      'Ratio of the medians, reference in eager mode over code, geometric mean over workloads; null unless all passed and were timed',
    valueOf: ({ facts }) => facts.speedup_eager,
  },
  {
    name: 'speedup_ci_low',
    type: 'double',
    nullable: true,
    description: 'The same mean of the lower ends of the 95 % intervals',
    valueOf: ({ facts }) => facts.speedup_eager_ci_low,
  },
  {
    name: 'speedup_ci_high',
    type: 'double',
    nullable: true,
    description: 'The same mean of the upper ends of the 95 % intervals',
    valueOf: ({ facts }) => facts.speedup_eager_ci_high,
  },
  {
    name: 'speed_outcome',
    type: 'string',
    nullable: true,
    description:
      '`faster` or `slower` where both ends of that interval lie on one side of 1, `indistinguishable` otherwise; null where `speedup` is',
    valueOf: ({ facts: { speedup_eager_ci_low: low, speedup_eager_ci_high: high } }) =>
      low === null || high === null ? null : speedOutcome(low, high),
  },
  ...(['compile', 'best'] as const).flatMap((over) => [
    {
      name: `speedup_${over}`,
      type: 'double',
      nullable: true,
      description: `The same as \`speedup\`, over ${BASELINE[over]}; null where it was not measured`,
      valueOf: ({ facts }: Selection) => facts[`speedup_${over}`],
    } as const,
    {
      name: `speedup_${over}_ci_low`,
      type: 'double',
      nullable: true,
      description: 'The same mean of the lower ends of the 95 % intervals',
      valueOf: ({ facts }: Selection) => facts[`speedup_${over}_ci_low`],
    } as const,
  ]),
  {
    name: 'workloads',
    type: 'string',
    nullable: false,
    description:
      'JSON list, one per judged workload: `axes` (module-level overrides of the reference), `status`, `proved_on`, `correctness` (errors and tolerances), `performance` (milliseconds)',
    statistics: false,
    valueOf: (selection) => canonicalJson(selection.evaluations.map((evaluation) => workloadOf(selection, evaluation))),
  },
  {
    name: 'checks',
    type: 'string',
    nullable: false,
    description: 'JSON list: findings of the validator per workload, `passed` being null where a check does not apply',
    statistics: false,
    valueOf: ({ evaluations }) =>
      canonicalJson(
        evaluations.flatMap(({ workload_id, checks }) => checks.map((check) => ({ workload_id, ...check }))),
      ),
  },
  {
    name: 'hardware',
    type: 'string',
    nullable: true,
    description: 'GPU or processor it was proved on',
    valueOf: ({ facts }) => facts.hardware,
  },
  {
    name: 'environment',
    type: 'string',
    nullable: true,
    description: 'JSON: hardware, driver, Python, library versions and sandbox of the validation',
    statistics: false,
    valueOf: ({ evaluations: [first] }) => (first === undefined ? null : canonicalJson(published(first.environment))),
  },
  {
    name: 'validator',
    type: 'string',
    nullable: true,
    description: 'Validator with version',
    valueOf: ({ facts }) => facts.validator,
  },
]

// Of a cluster's node only what it is, and not its name: that says something of somebody's network.
function published({ hardware, driver, python, libraries, sandbox }: Evaluation['environment']) {
  return { hardware, driver, python, libraries, sandbox }
}

function workloadOf({ task }: Selection, { workload_id, status, proved_on, correctness, performance }: Evaluation) {
  const axes = task.workloads.find(({ id }) => id === workload_id)?.axes ?? null
  return { workload_id, axes, status, proved_on, correctness, performance }
}
