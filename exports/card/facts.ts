import { MISSING_SHARD } from '../../pipelines/core/records/reject.ts'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import type { Reject } from '../../pipelines/core/records/reject.ts'
import type { Selection } from '../types.ts'
import { count } from './counts.ts'
import type { Counts } from './counts.ts'
import { countNearness } from './nearness.ts'
import type { Measure, Nearness } from './nearness.ts'

/** A repository that rows were made of. */
export interface UsedRepository {
  readonly repo_name: string
  readonly commit_sha: string
  readonly license: string | null
  readonly paths: Set<string>
}

/** What the card says of the rows, counted while they pass by. */
export interface DatasetFacts {
  numSelected: number
  /** Rows whose every judged workload passed. */
  numPassed: number
  /** Rows whose verdict is what a file says. */
  numClaimed: number
  numTimed: number
  numWithReasoning: number
  /** Of the timed rows, over eager mode. */
  readonly speedups: number[]
  /** Of the rows with a reasoning, tokens. */
  readonly lengths: number[]
  readonly provedOn: Counts
  readonly languages: Counts
  readonly origins: Counts
  /** Rows per licence of the code. */
  readonly codeLicenses: Counts
  readonly referenceLicenses: Counts
  readonly hardware: Counts
  /** Rows per hardware with driver and versions of libraries. */
  readonly environments: Counts
  readonly nearness: Map<Measure, Nearness>
  /** Rows per benchmark that is nearest, from a score of 0.5. */
  readonly benchmarks: Counts
  /** Rows per benchmark that their model is known to have been trained on. */
  readonly taughtBy: Counts
  /** Rows per source or import of the recipe. */
  readonly sources: Counts
  /** By repository, commit and licence, for attribution. */
  readonly repositories: Map<string, UsedRepository>
  /** Rejects per stage, plug-in and reason, as `stage\0by\0reason`. */
  readonly rejects: Counts
  /** Names of shards that are missing. */
  readonly missingShards: Set<string>
}

export function emptyFacts(): DatasetFacts {
  return {
    numSelected: 0,
    numPassed: 0,
    numClaimed: 0,
    numTimed: 0,
    numWithReasoning: 0,
    speedups: [],
    lengths: [],
    provedOn: new Map(),
    languages: new Map(),
    origins: new Map(),
    codeLicenses: new Map(),
    referenceLicenses: new Map(),
    hardware: new Map(),
    environments: new Map(),
    nearness: new Map(),
    benchmarks: new Map(),
    taughtBy: new Map(),
    sources: new Map(),
    repositories: new Map(),
    rejects: new Map(),
    missingShards: new Set(),
  }
}

export function countSelection(facts: DatasetFacts, { candidate, task, evaluations, facts: own }: Selection): void {
  // What a file claims was judged on something, whether or not it says on what.
  const [claim, unknown] = own.is_claimed === true ? ['as claimed: ', 'as claimed: not said'] : ['', 'nothing']
  facts.numSelected += 1
  if (own.status === 'PASSED') facts.numPassed += 1
  if (own.is_claimed === true) facts.numClaimed += 1
  if (own.speedup_eager !== null) facts.numTimed += 1
  if (candidate.reasoning !== null) facts.numWithReasoning += 1
  if (own.speedup_eager !== null) facts.speedups.push(own.speedup_eager)
  if (own.reasoning_tokens !== null) facts.lengths.push(own.reasoning_tokens)
  count(facts.provedOn, own.proved_on === null ? unknown : claim + own.proved_on)
  count(facts.languages, candidate.language)
  count(facts.origins, candidate.origin)
  count(facts.codeLicenses, candidate.license ?? (candidate.origin === 'generated' ? MODEL_OUTPUT : NO_LICENSE))
  count(facts.referenceLicenses, task.license ?? NO_LICENSE)
  count(facts.hardware, own.hardware === null ? unknown : claim + own.hardware)
  if (evaluations[0] !== undefined) count(facts.environments, environmentText(evaluations[0]))
  countNearness(facts.nearness, facts.benchmarks, own)
  if (own.contamination_generator !== null) count(facts.taughtBy, own.contamination_generator)
  count(facts.sources, candidate.source)
  const { repo_name, commit_sha, license, path } = task
  useRepository(facts, { repo_name, commit_sha, license, path })
  for (const piece of candidate.pieces) {
    if (candidate.repo_name === null || candidate.commit_sha === null) continue
    useRepository(facts, { ...piece, repo_name: candidate.repo_name, commit_sha: candidate.commit_sha })
  }
}

export function countReject(facts: DatasetFacts, { record_id, stage, by, reason }: Reject): void {
  count(facts.rejects, [stage, by, reason].join('\0'))
  if (reason === MISSING_SHARD) facts.missingShards.add(record_id)
}

function environmentText({ environment, validator }: Evaluation): string {
  const { hardware, driver, python, libraries } = environment
  const versions = Object.entries(libraries).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const named = [...(driver === null ? [] : [`driver ${driver}`]), `Python ${python}`]
  return [hardware, ...named, ...versions.map(([name, version]) => `${name} ${version}`), validator].join(', ')
}

const NO_LICENSE = 'none found'
const MODEL_OUTPUT = 'output of a model'

function useRepository(facts: DatasetFacts, used: Omit<UsedRepository, 'paths'> & { path: string }): void {
  const { repo_name, commit_sha, license, path } = used
  const key = [repo_name, commit_sha, license ?? ''].join('\0')
  const known = facts.repositories.get(key)
  if (known === undefined) facts.repositories.set(key, { repo_name, commit_sha, license, paths: new Set([path]) })
  else known.paths.add(path)
}
