import { posix } from 'node:path'
import { z } from 'zod'
import type { Piece } from '../python/links.ts'
import type { PythonModule } from '../python/modules.ts'
import { fieldOf, parametersOf, textOf, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { MinedKernel, Pair, PairEvidence, PairingMethod, PairingRefusal } from '../types.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import { programText } from './program-text.ts'
import type { ProgramText } from './program-text.ts'
import type { RefusalReason } from './refusals.ts'
import { findDefect } from './self-check.ts'
import { openPairing } from './test-pairing.ts'
import type { PairingScope } from './test-pairing.ts'

const { max_closure_lines, allowed_modules, replace, lookups } = TEST_OPTIONS
const Options = z.strictObject({ max_closure_lines, allowed_modules, replace, lookups })

/**
 * Finds pairs in KernelBench form: a class `Model` with `get_inputs()`, and a class `ModelNew` with the same forward parameters in the
 * same file or in another one of its folder.
 */
export const modelSibling: PairingMethod<z.infer<typeof Options>> = {
  id: 'model-sibling',
  version: 3,
  summary: 'A class `Model` and a class `ModelNew`, in one file or side by side',
  options: Options,
  async findPairs(input, options) {
    const settings = pairingSettings({ ...options, max_workloads: 1, identities: [] })
    const scope = await openPairing(input, settings)
    const found: Found = { pairs: [], refusals: [] }
    for (const candidate of modulesWith(scope, 'ModelNew')) {
      for (const reference of referencesBeside(scope, candidate)) await addPair(scope, reference, candidate, found)
    }
    return found
  },
}

interface Found {
  readonly pairs: Pair[]
  readonly refusals: PairingRefusal[]
}

function modulesWith(scope: PairingScope, className: string): PythonModule[] {
  const { project } = scope
  const mentioning = project.paths.filter((path) =>
    new RegExp(`\\bclass ${className}\\b`).test(project.files.get(path) ?? ''),
  )
  return mentioning.flatMap((path) => {
    const module = project.module(path)
    return module?.definitions.has(className) === true ? [module] : []
  })
}

// A file that holds both needs no other; else every `Model` of the folder whose name the candidate's begins with, or the only one.
function referencesBeside(scope: PairingScope, candidate: PythonModule): PythonModule[] {
  const isReference = (module: PythonModule): boolean =>
    ['Model', 'get_inputs'].every((name) => module.definitions.has(name))
  if (isReference(candidate)) return [candidate]
  const folder = posix.dirname(candidate.path)
  const beside = modulesWith(scope, 'Model').filter(
    (module) => posix.dirname(module.path) === folder && isReference(module),
  )
  const stem = (module: PythonModule): string => posix.basename(module.path, '.py')
  const named = beside.filter((module) => stem(candidate).startsWith(stem(module)))
  return named.length > 0 ? named : beside.length === 1 ? beside : []
}

async function addPair(
  scope: PairingScope,
  reference: PythonModule,
  candidate: PythonModule,
  found: Found,
): Promise<void> {
  const [model, modelNew] = [definitionOf(reference, 'Model'), definitionOf(candidate, 'ModelNew')]
  if (model === null || modelNew === null) return
  const names = ['Model', 'get_inputs', ...(reference.definitions.has('get_init_inputs') ? ['get_init_inputs'] : [])]
  const kernels = kernelsOf(scope, candidate, ['ModelNew'])
  const fail = (reason: RefusalReason, detail: string | null): void => {
    const where = `${candidate.path} beside ${reference.path}`
    const evidence = WITHOUT_REFERENCE.has(reason) ? null : evidenceOf(candidate, reference, modelNew, model)
    for (const { id } of kernels)
      found.refusals.push({ kernelId: id, reason, detail: detail === null ? where : `${where}: ${detail}`, evidence })
  }
  if (kernelsOf(scope, reference, ['Model']).length > 0) return fail('reference_is_kernel', null)
  if (arity(reference, model) !== arity(candidate, modelNew))
    return fail('invalid_result', 'the forward passes differ in parameters')
  const texts = [programOf(scope, reference, names), programOf(scope, candidate, ['ModelNew'])]
  const [task, solution] = texts
  if (task === undefined || solution === undefined) return
  if ('reason' in task) return fail(task.reason, task.detail)
  if ('reason' in solution) return fail(solution.reason, solution.detail)
  const referenceText = `${task.head}\n${names.length === 2 ? NO_INIT_INPUTS : ''}`
  const defect =
    (await findDefect(referenceText, ['Model', 'get_inputs', 'get_init_inputs'])) ??
    (await findDefect(`${solution.head}\n`, ['ModelNew']))
  if (defect !== null) return fail('invalid_result', defect)
  found.pairs.push(
    ...toPair(reference, evidenceOf(candidate, reference, modelNew, model), { task, solution, referenceText }, kernels),
  )
}

const NO_INIT_INPUTS = '\n\ndef get_init_inputs():\n    return []\n'

function definitionOf(module: PythonModule, name: string): SyntaxNode | null {
  const [statement] = module.definitions.get(name) ?? []
  return statement === undefined ? null : undecorated(statement.node)
}

// The names of definitions, as code that reads them.
function pieces(module: PythonModule, names: readonly string[]): Piece[] {
  return names.flatMap((name) => {
    const definition = definitionOf(module, name)
    const node = definition === null ? null : fieldOf(definition, 'name')
    return node === null ? [] : [{ module, node, isLocal: () => false, skip: [] }]
  })
}

function kernelsOf({ reach }: PairingScope, module: PythonModule, names: readonly string[]): readonly MinedKernel[] {
  return reach(pieces(module, names))
}

const WITHOUT_REFERENCE = new Set<RefusalReason>(['reference_is_kernel', 'invalid_result'])

function evidenceOf(
  candidate: PythonModule,
  reference: PythonModule,
  modelNew: SyntaxNode,
  model: SyntaxNode,
): PairEvidence {
  const lineAt = ({ file }: PythonModule, { start }: SyntaxNode): string =>
    file.text.slice(start, file.text.indexOf('\n', start)).trim()
  return {
    path: candidate.path,
    symbol: 'ModelNew',
    line: candidate.file.lineOf(modelNew.start),
    expression: lineAt(candidate, modelNew),
    // Nobody compares the two; that they stand for each other is what their names say.
    confidence: candidate === reference ? 0.95 : 0.9,
    reference: {
      path: reference.path,
      symbol: 'Model',
      line: reference.file.lineOf(model.start),
      expression: lineAt(reference, model),
    },
  }
}

function programOf({ project, collect }: PairingScope, module: PythonModule, names: readonly string[]) {
  const symbols = new Map(pieces(module, names).map((piece, at) => [`__definition_${at}__`, piece]))
  return programText({ project, collect, codes: [], symbols, fixedName: () => null, reserved: new Set() })
}

function arity(module: PythonModule, definition: SyntaxNode): number | null {
  const body = fieldOf(definition, 'body')
  const forward = body?.children.map(undecorated).find((member) => {
    const name = member.type === 'function_definition' ? fieldOf(member, 'name') : null
    return name !== null && textOf(module.file, name) === 'forward'
  })
  return forward === undefined ? null : parametersOf(module.file, forward).length
}

function toPair(
  reference: PythonModule,
  evidence: PairEvidence,
  texts: { readonly task: ProgramText; readonly solution: ProgramText; readonly referenceText: string },
  kernels: readonly MinedKernel[],
): Pair[] {
  const entries = kernels.filter(({ role }) => role === 'entry')
  const [main] = entries
  if (main === undefined) return []
  const { task, solution, referenceText } = texts
  const folder = posix.basename(posix.dirname(reference.path))
  const stem = posix.basename(reference.path, '.py')
  return [
    {
      name: /^(?:model|reference|ref|problem)$/i.test(stem) ? folder : stem,
      reference: referenceText,
      referencePieces: task.pieces,
      referenceRequires: task.requires,
      candidate: `${solution.head}\n`,
      candidatePieces: solution.pieces,
      candidateRequires: solution.requires,
      workloads: [{}],
      tolerance: null,
      kernelIds: entries.map(({ id }) => id),
      language: main.language,
      evidence,
    },
  ]
}
