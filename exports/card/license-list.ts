import type { DatasetFacts, UsedRepository } from './facts.ts'
import { cell, renderTable } from './markdown.ts'

/** The file beside the card that says which text is under which licence: attribution for every repository in use. */
export function renderLicenseList(facts: DatasetFacts): string {
  const repositories = [...facts.repositories].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, used]) => used)
  const parts = [
    '# Licences',
    [
      'The rows of this dataset are made of files of the repositories below. Each keeps its own licence; the copyright notices are',
      'in the repositories at the commits named here.',
    ].join('\n'),
    ...(repositories.length === 0 ? ['No repository is in use.'] : repositories.map(renderRepository)),
  ]
  return `${parts.join('\n\n')}\n`
}

function renderRepository({ repo_name, commit_sha, license, paths }: UsedRepository): string {
  const rows = [...paths].toSorted().map((path) => [path])
  return [
    `## ${cell(repo_name)}: ${cell(license ?? 'no licence found')}`,
    `Commit ${cell(commit_sha)}`,
    renderTable(['file'], rows),
  ].join('\n\n')
}
