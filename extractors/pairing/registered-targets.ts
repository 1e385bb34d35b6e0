import type { LinkOptions, Target } from '../python/linked-statements.ts'
import { bareName, operatorImplementations } from '../python/operator-implementations.ts'
import type { OperatorImplementation } from '../python/operator-implementations.ts'
import type { PythonProject } from '../python/project.ts'

/**
 * What a call reaches because it is registered by name: `torch.ops.ns.op` all implementations of that operator, a function that only
 * stands for others the functions registered under its name. Which one runs is decided on the machine, so all count.
 */
export function registeredTargets(
  project: PythonProject,
  providers: LinkOptions['providers'],
): Pick<LinkOptions, 'providers' | 'implementations'> {
  const stubs = new Map<Target['statement'], OperatorImplementation>()
  let isIndexed = false
  const stubOf = (target: Target): OperatorImplementation | undefined => {
    if (!isIndexed) {
      for (const found of [...operatorImplementations(project).values()].flat()) {
        if (found.isStub) stubs.set(found.statement, found)
      }
      isIndexed = true
    }
    return stubs.get(target.statement)
  }
  return {
    providers: (dotted) => {
      const [torch, ops, namespace, name] = dotted
      const known = providers(dotted)
      if (torch !== 'torch' || ops !== 'ops' || namespace === undefined || name === undefined) return known
      return [...known, ...implementationsOf(project, name, namespace)]
    },
    implementations: (target) => {
      const stub = stubOf(target)
      return stub === undefined ? [] : implementationsOf(project, bareName(stub.key), null)
    },
  }
}

function implementationsOf(project: PythonProject, name: string, namespace: string | null): Target[] {
  return (operatorImplementations(project).get(name) ?? []).filter(({ key, isStub }) => {
    const [first, second] = key.split('::')
    return !isStub && (namespace === null || second === undefined || first === namespace)
  })
}
