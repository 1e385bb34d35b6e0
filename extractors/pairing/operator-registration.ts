import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import type { Piece } from '../python/links.ts'
import { decoratorsOf, fieldOf, textOf, undecorated, walk } from '../python/syntax.ts'
import { operatorImplementations } from '../python/operator-implementations.ts'
import type { OperatorImplementation } from '../python/operator-implementations.ts'
import type { MinedKernel, PairEvidence, PairingMethod, PairingRefusal, ReferencePlace } from '../types.ts'
import { atenOverrides, isComparableOperator } from './aten-tables.ts'
import type { AtenOverride } from './aten-tables.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import { openPairing } from './test-pairing.ts'
import type { PairingScope } from './test-pairing.ts'

const { max_closure_lines, allowed_modules, replace, lookups } = TEST_OPTIONS
const Options = z.strictObject({ max_closure_lines, allowed_modules, replace, lookups })

/**
 * Finds references in what a repository registers: an operator that has kernels for one backend and plain PyTorch for another, and
 * functions that stand in for operators of ATen. Registrations say what means the same and not what it is called with: these references
 * are told and never cut out.
 */
export const operatorRegistration: PairingMethod<z.infer<typeof Options>> = {
  id: 'operator-registration',
  version: 1,
  summary: 'Operators registered with kernels for one backend and with PyTorch for another, or in place of ATen ones',
  options: Options,
  async findPairs(input, options) {
    const scope = await openPairing(input, pairingSettings({ ...options, max_workloads: 1, identities: [] }))
    const refusals: PairingRefusal[] = []
    for (const group of operatorImplementations(scope.project).values()) {
      refusals.push(...backendTwins(scope, group))
      // Signals get their turn.
      await setImmediate()
    }
    for (const override of atenOverrides(scope.project)) {
      refusals.push(...overrideEvidence(scope, override))
      await setImmediate()
    }
    return { pairs: [], refusals }
  },
}

// An operator with more kernels than this switches between whole algorithms.
const MAX_KERNELS = 10

function backendTwins(scope: PairingScope, group: readonly OperatorImplementation[]): PairingRefusal[] {
  const byKey = Map.groupBy(
    group.filter(({ isStub }) => !isStub),
    ({ key }) => key,
  )
  return [...byKey.values()].flatMap((same) => {
    if (new Set(same.map(({ statement }) => statement)).size < 2) return []
    const reached = same.map((one) => ({ one, kernels: scope.reach([pieceOf(one)]) }))
    const plain = reached.filter(({ one, kernels }) => kernels.length === 0 && computes(one)).map(({ one }) => one)
    const reference = plain.find(({ backend }) => backend !== null && PLAIN_BACKENDS.test(backend))
    if (reference === undefined) return []
    return reached.flatMap(({ one, kernels }) =>
      refused(entries(kernels), evidenceOf(one, referenceOf(reference), BACKEND_CONFIDENCE), one.key),
    )
  })
}

// Both are registered for one schema, and PyTorch calls the one or the other: they are twins by construction.
const BACKEND_CONFIDENCE = 0.97
// PyTorch decides what an override replaces, by the schema of the operator.
const OVERRIDE_CONFIDENCE = 0.9

const PLAIN_BACKENDS = /^(?:default|cpu|torch|pytorch|native|reference|eager|composite\w*)$/i

// Python that calls something of PyTorch or does arithmetic; a backend that hands on to a library of its own says nothing.
function computes({ module, statement }: OperatorImplementation): boolean {
  const body = fieldOf(undecorated(statement.node), 'body')
  if (body === null || !module.file.text.includes('torch')) return false
  return [...walk(body)].some(
    (node) =>
      node.type === 'binary_operator' || (node.type === 'call' && /^torch\.|^F\./.test(textOf(module.file, node))),
  )
}

function overrideEvidence(scope: PairingScope, { name, overload, entry, module, implementation }: AtenOverride) {
  if (!isComparableOperator(name, overload)) return []
  const dotted = `torch.ops.aten.${name}${overload === '' ? '' : `.${overload}`}`
  const place = {
    path: module.path,
    line: module.file.lineOf(entry.start),
    expression: textOf(module.file, entry).replaceAll(/\s+/g, ' '),
  }
  const kernels = entries(scope.reach([implementation]))
  const evidence = {
    ...place,
    symbol: dotted,
    confidence: OVERRIDE_CONFIDENCE,
    reference: { ...place, symbol: dotted },
  }
  return refused(kernels, evidence, dotted)
}

// The function as code that is looked at, without the decorators that register it.
function pieceOf({ module, statement }: OperatorImplementation): Piece {
  return { module, node: statement.node, isLocal: () => false, skip: decoratorsOf(statement.node) }
}

function entries(kernels: readonly MinedKernel[]): MinedKernel[] {
  return kernels.filter(({ role }) => role === 'entry')
}

function referenceOf({ module, statement, key, registration, registeredIn }: OperatorImplementation): ReferencePlace {
  const name = fieldOf(undecorated(statement.node), 'name')
  const written = name === null ? '_' : textOf(module.file, name)
  return {
    path: module.path,
    symbol: written === '_' ? key : written,
    line: module.file.lineOf(undecorated(statement.node).start),
    expression: textOf(registeredIn.file, registration).replaceAll(/\s+/g, ' '),
  }
}

function evidenceOf(
  { key, registration, registeredIn }: OperatorImplementation,
  reference: ReferencePlace,
  confidence: number,
): PairEvidence {
  return {
    path: registeredIn.path,
    symbol: key,
    line: registeredIn.file.lineOf(registration.start),
    expression: textOf(registeredIn.file, registration).replaceAll(/\s+/g, ' '),
    confidence,
    reference,
  }
}

function refused(kernels: readonly MinedKernel[], evidence: PairEvidence, operator: string): PairingRefusal[] {
  if (kernels.length > MAX_KERNELS) return []
  const detail = `${evidence.path}:${evidence.line} registers ${operator}`
  return kernels.map(({ id }) => ({ kernelId: id, reason: 'no_inputs', detail, evidence }))
}
