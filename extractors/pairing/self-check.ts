import { linksOf } from '../python/links.ts'
import { openProject } from '../python/project.ts'

/**
 * Whether emitted Python is complete as far as its text tells: it parses without an error, every name that is read is defined,
 * imported or built in, and it defines what it must. Gives what is wrong, or null.
 */
export async function findDefect(text: string, mustDefine: readonly string[]): Promise<string | null> {
  const project = await openProject(new Map([[FILE, text]]))
  const module = project.module(FILE)
  if (module === null) return 'it cannot be parsed'
  if (module.file.hasError) return 'it is not valid Python'
  const missing = mustDefine.find((name) => !module.definitions.has(name))
  if (missing !== undefined) return `it does not define ${missing}`
  for (const { node } of module.statements) {
    for (const link of linksOf(project, { module, node, isLocal: () => false, skip: [] })) {
      if (link.to === 'nothing' && link.problem.reason === 'unresolved_name')
        return link.problem.detail.replace(` in ${FILE}`, '')
    }
  }
  return null
}

const FILE = 'emitted.py'
