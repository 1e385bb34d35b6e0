import type { Task } from '../../pipelines/core/records/task.ts'
import { toTask } from '../pairing/pair-records.ts'
import type { RecordScope } from '../pairing/pair-records.ts'
import type { ModuleProgram, ModuleProposal } from './module-tasks.ts'

/** The task of a module. Nothing was compared: the module itself is what is asked for, which is as sure as can be. */
export function toModuleTask(
  { name, path, line, expression, pieces, requires }: ModuleProposal,
  { reference, workloads }: ModuleProgram,
  method: string,
  scope: RecordScope,
): Task {
  const place = { path, symbol: name, line, expression }
  const pair = {
    name,
    reference,
    referencePieces: pieces,
    referenceRequires: requires,
    candidate: '',
    candidatePieces: [],
    candidateRequires: [],
    workloads,
    tolerance: null,
    kernelIds: [],
    language: 'python',
    evidence: { ...place, confidence: 1, reference: place },
  }
  return toTask({ pair, method }, scope)
}
