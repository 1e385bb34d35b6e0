import { publications } from '../../core/records/publication.ts'
import type { Publication } from '../../core/records/publication.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'
import { readRunTable } from '../../run/run-records.ts'

/** What the publish stage of a run did last; null before it is done. */
export async function lastPublication(directories: WorkDirectory): Promise<Publication | null> {
  for await (const publication of readRunTable(directories, publications)) return publication
  return null
}

/** A publication in one line: where it is, or why it is nowhere. */
export function renderPublication(publication: Publication | null): string[] {
  if (publication === null) return []
  const { repo, endpoint, dry_run, commit_oid, pull_request, num_added, num_updated, num_deleted } = publication
  const numChanged = num_added + num_updated + num_deleted
  if (dry_run) {
    return [
      `not published: a dry run, of ${numChanged} files to change in ${repo} at ${endpoint}`,
      '  next: Set HF_TOKEN, or log in with the Hub’s own command line, and run again; publish.dry_run is not to be true.',
    ]
  }
  const place = pull_request ?? `${endpoint}/datasets/${repo}`
  return [`published: ${place}${commit_oid === null ? '' : ` at ${commit_oid.slice(0, 12)}`}`]
}
