import type { CardInput } from './card-input.ts'

/** What the dataset does not claim; each sentence appears only where it holds. */
export function renderLimits({ facts, filters }: CardInput): string {
  const has = (filter: string): boolean => filters.some(({ name }) => name.startsWith(`${filter}@`))
  const notes: (string | null)[] = [
    'PASSED means: right on the inputs that were tried, within the tolerance named in `workloads`. It is evidence, not a proof.',
    facts.numPassed < facts.numSelected
      ? `${facts.numSelected - facts.numPassed} candidates did not pass, or were never run: filter by \`statuses\` and \`proved_on\`.`
      : null,
    facts.provedOn.has('interpreter')
      ? 'Rows proved on `interpreter` ran under Triton’s interpreter on a processor. Their results were right; they have never run on a GPU, and nothing is known of their speed.'
      : null,
    facts.provedOn.has('cpu')
      ? 'Rows proved on `cpu` ran on a processor, and their speedups are those of a processor.'
      : null,
    facts.numTimed > 0
      ? 'Speedups are over PyTorch in eager mode on the hardware named in the row, and hold there.'
      : null,
    facts.numTimed < facts.numSelected ? 'Rows that could not be timed honestly have no speedup: null, not 1.' : null,
    facts.numWithReasoning > 0
      ? 'A reasoning was not checked; only the code that it ends in was. `reasoning_kind` says who wrote it: `human` is a commit message or comment, which explains a change and does not derive it.'
      : null,
    'References of mined kernels were found by program. `pairing_evidence` says where, `pairing_confidence` how surely.',
    has('license') ? null : 'No licence filter was applied: look at `license` and `reference_license`.',
    'Licences are what files and repositories state; whether they may state it was not checked.',
    has('exact-dedup') ? 'Exact duplicates within a task were removed.' : 'Exact duplicates were not removed.',
    has('near-dedup')
      ? 'Near duplicates were removed by an estimate of their similarity, which is off by 0.035 for every third pair.'
      : 'Near duplicates were not removed; the config `candidates` names their clusters.',
    has('decontamination')
      ? 'Rows near to a problem of a public benchmark were removed, as far as words and syntax show it; a problem told in other words was not recognised.'
      : 'Rows were not removed for being near to public benchmarks: look at `contamination` in the config `candidates` before reporting scores on one.',
    has('safety')
      ? 'Credentials and addresses of people were looked for by their form; other personal data was not.'
      : 'The text was not searched for personal data or secrets.',
  ]
  return notes
    .filter((note) => note !== null)
    .map((note) => `- ${note}`)
    .join('\n')
}
