import { openProject } from '../python/project.ts'
import type { PythonProject } from '../python/project.ts'

// Methods of one run get the same map of files: each file is parsed once for all of them.
const PROJECTS = new WeakMap<ReadonlyMap<string, string>, Map<string, Promise<PythonProject>>>()

/** The Python project of a repository's files, opened once per set of replacements. */
export function sharedProject(
  files: ReadonlyMap<string, string>,
  replacements: Readonly<Record<string, string>>,
): Promise<PythonProject> {
  const known = PROJECTS.get(files) ?? new Map<string, Promise<PythonProject>>()
  PROJECTS.set(files, known)
  const key = JSON.stringify(Object.entries(replacements).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const project = known.get(key) ?? openProject(files, replacements)
  known.set(key, project)
  return project
}
