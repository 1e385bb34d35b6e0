import type { CardInput } from './card-input.ts'
import { ranked } from './counts.ts'
import type { Counts } from './counts.ts'
import { renderFrontMatter } from './front-matter.ts'
import { fenced } from '../../pipelines/core/fenced-block.ts'
import { cell, renderColumns, renderTable } from './markdown.ts'
import { managed } from './managed-sections.ts'
import type { CardPlot } from './plots.ts'
import { renderLimits } from './limits.ts'
import { renderNearness } from './nearness.ts'
import { renderRecheck } from './recheck.ts'

/** The dataset card: every number in it was counted while the rows were written, and nothing in it depends on the day. */
export function renderCard(input: CardInput): string {
  const recheck = renderRecheck(input)
  const sections = [
    `# ${cell(input.card.pretty_name ?? input.name)}`,
    input.description === '' ? null : cell(input.description),
    managed('summary', renderSummary(input)),
    NOTE,
    managed('contents', `## What is in it\n\n${renderConfigs(input)}`),
    input.plots.length === 0 ? null : managed('plots', input.plots.map(renderPlot).join('\n\n')),
    managed('funnel', `## From repositories to rows\n\n${renderFunnel(input)}`),
    managed('proof', `## What was proved\n\n${renderProof(input)}`),
    managed('benchmarks', `## Nearness to public benchmarks\n\n${renderNearness(input.facts)}`),
    managed('licenses', `## Licences\n\n${renderLicenses(input)}`),
    managed('sources', `## Sources\n\n${renderSources(input)}`),
    ...input.configs.map(({ name, columns }) =>
      managed(`columns-${name}`, `## Columns of \`${name}\`\n\n${renderColumns(columns)}`),
    ),
    recheck === null ? null : managed('recheck', `## Check a row yourself\n\n${recheck}`),
    managed('reproduction', `## Make the dataset again\n\n${renderReproduction(input)}`),
    managed('citation', `## Citation\n\n${renderCitation(input)}`),
    managed('limits', `## Limits\n\n${renderLimits(input)}`),
  ]
  return `---\n${renderFrontMatter(input)}---\n\n${sections.filter((section) => section !== null).join('\n\n')}\n`
}

// Seen by who edits the card, not by who reads it.
const NOTE = `<!-- Text between curate:begin and curate:end is written anew with every publication. Write anywhere else: it stays. A part that you
remove with its marks stays away. -->`

function renderPlot({ path, alternative }: CardPlot): string {
  return `![${cell(alternative)}](${path})`
}

function renderCitation({ repo, name, card, curateVersion }: CardInput): string {
  const title = (card.pretty_name ?? name).replaceAll(/[{}\\]/g, '')
  const address = repo === null ? [] : [`  howpublished = {\\url{https://huggingface.co/datasets/${repo}}},`]
  const entry = [
    `@misc{${name.replaceAll(/[^a-z0-9]/gi, '_')},`,
    `  title = {${title}},`,
    ...address,
    `  note = {Made with curate ${curateVersion} from the repositories in LICENSE.md, which are to be cited as well}`,
    '}',
  ]
  return fenced('bibtex', entry.join('\n'))
}

function renderSummary({ facts, configs, curateVersion }: CardInput): string {
  const incomplete = [...facts.missingShards].sort().map((shard) => `\`${shard}\``)
  const warning = `**This dataset is not complete**: ${incomplete.join(', ')} could not be made.`
  const lines = [
    'Each row is a PyTorch program, an implementation of it as a GPU or CPU kernel, and, where somebody wrote it, the reasoning',
    `that leads from one to the other. ${facts.numPassed} of ${facts.numSelected} selected candidates passed on every workload that could judge them;`,
    `${facts.numTimed} were also timed; ${facts.numWithReasoning} have a reasoning. Made with curate ${curateVersion}.`,
  ]
  const claims = `**The verdicts and speedups of ${facts.numClaimed} of them are claims** of a file that was handed in: nothing of these rows was run to make this dataset (\`is_claimed\`).`
  const isEmpty = (configs[0]?.splits ?? []).every(({ numRows }) => numRows === 0)
  return [
    ...(incomplete.length > 0 ? [warning] : []),
    lines.join('\n'),
    ...(facts.numClaimed > 0 ? [claims] : []),
    ...(isEmpty ? [`**The config \`${configs[0]?.name ?? ''}\` has no rows**: the reasons are counted below.`] : []),
  ].join('\n\n')
}

function renderConfigs({ configs, repo, name }: CardInput): string {
  const rows = configs.map(({ name: config, splits, summary }) => {
    const counts = splits.filter(({ numRows }) => numRows > 0).map((split) => `${split.numRows} ${split.name}`)
    const numBytes = splits.reduce((sum, { numFileBytes }) => sum + numFileBytes, 0)
    return [config, counts.length === 0 ? 'none' : counts.join(', '), sizeText(numBytes), summary]
  })
  const [first] = configs
  const load = `datasets.load_dataset("${repo ?? `OWNER/${name}`}", "${first?.name ?? ''}", split="train")`
  return [
    renderTable(['config', 'rows', 'size', 'what'], rows),
    `\`\`\`python\nimport datasets\n\nrows = ${load}\n\`\`\``,
  ].join('\n\n')
}

// In the units of the Hub, which counts in thousands.
function sizeText(numBytes: number): string {
  if (numBytes < 1e6) return `${(numBytes / 1e3).toFixed(1)} kB`
  return numBytes < 1e9 ? `${(numBytes / 1e6).toFixed(1)} MB` : `${(numBytes / 1e9).toFixed(2)} GB`
}

function renderFunnel({ funnel, facts, filters }: CardInput): string {
  const rejects = ranked(facts.rejects).map(([key, count]) => [...key.split('\0'), count])
  const refusedBy = (name: string): number =>
    [...facts.rejects].reduce((sum, [key, count]) => sum + (key.split('\0')[1] === name ? count : 0), 0)
  const stages = funnel.map(({ stage, what, count }) => [stage, what, count])
  return [
    renderTable(['stage', 'what', 'count'], stages),
    filters.length === 0
      ? 'No filter was applied.'
      : renderTable(
          ['filter', 'what it does', 'refused first'],
          filters.map(({ name, summary }) => [name, summary, refusedBy(name)]),
        ),
    rejects.length === 0
      ? 'Nothing was rejected.'
      : `What was not passed on, and why; each one is a row of the config \`rejects\`.\n\n${renderTable(['stage', 'by', 'reason', 'count'], rejects)}`,
  ].join('\n\n')
}

function renderProof({ facts }: CardInput): string {
  return [
    'What ran the implementation, the weakest evidence over all its workloads:',
    countTable('proved on', facts.provedOn),
    countTable('hardware', facts.hardware),
    ...(facts.environments.size === 0 ? [] : [countTable('environment', facts.environments)]),
    countTable('language', facts.languages),
    countTable('origin', facts.origins),
  ].join('\n\n')
}

function renderLicenses({ facts }: CardInput): string {
  return [
    'As the repositories state them, per row in `license` (of the code) and `reference_license`. Repositories, commits and files are',
    'listed in [LICENSE.md](LICENSE.md).',
    '',
    countTable('licence of the code', facts.codeLicenses),
    '',
    countTable('licence of the reference', facts.referenceLicenses),
  ].join('\n')
}

function renderSources({ sources, facts }: CardInput): string {
  const rows = sources.map(({ id, address, identity }) => [
    id,
    address,
    identity ?? 'not reached',
    facts.sources.get(id) ?? 0,
  ])
  return renderTable(['source', 'address', 'commit or hash', 'rows'], rows)
}

function renderReproduction({ recipe, curateVersion, name, sources }: CardInput): string {
  const hasImports = sources.some(({ address }) => address.startsWith('file '))
  return [
    `The recipe below is \`recipe.yaml\`; \`sources.lock.json\` holds the commits its sources stood at. With curate ${curateVersion}:`,
    `\`\`\`sh\nmkdir -p work/${name} && cp sources.lock.json work/${name}/\nnpx curate --recipe recipe.yaml --work-dir work\n\`\`\``,
    ...(hasImports ? [IMPORTED] : []),
    'The rows are the same bytes on the same hardware, except for what a clock or a scheduler decides: timings, and verdicts near a limit.',
    fenced('yaml', recipe),
  ].join('\n\n')
}

const IMPORTED =
  'The imported files are not part of the dataset: put them beside `recipe.yaml`. Their names and SHA-256 are under Sources.'

function countTable(what: string, counts: Counts): string {
  return renderTable([what, 'rows'], ranked(counts))
}
