import { readParquet } from '../../pipelines/core/parquet.ts'
import type { Column, ParquetSink } from '../../pipelines/core/parquet.ts'
import { openDisjointSets } from './disjoint-sets.ts'
import { SIGNATURE_LENGTH, decodeSignature } from './minhash.ts'
import { nearClusters } from './near-clusters.ts'

/** The columns of the table that `writeClusters` fills. */
export const CLUSTER_COLUMNS: readonly Column[] = [
  { name: 'candidate_id', type: 'string', nullable: false, description: '' },
  { name: 'near_cluster', type: 'string', nullable: true, description: '' },
  { name: 'reference_cluster', type: 'string', nullable: true, description: '' },
  { name: 'split_group', type: 'string', nullable: false, description: '' },
]

/**
 * Finds near duplicates among codes and among references, and the tasks that belong together: those that share a repository, a
 * cluster of codes or one of references. `path` holds facts with signatures. In memory: ids and
 * signatures, about 1.1 KB a candidate.
 */
export async function writeClusters(path: string, numRows: number, sink: ParquetSink): Promise<void> {
  const ids: string[] = []
  const tasks = openIndex()
  const taskOf = new Uint32Array(numRows)
  const groups: { task: number; key: string }[] = []
  const codes = openSignatures(numRows)
  const references = openSignatures(numRows)
  for await (const row of readParquet(path, READ_COLUMNS)) {
    const task = tasks.place(String(row['task_id']))
    taskOf[ids.length] = task
    codes.add(ids.length, row['code_signature'])
    if (task === references.size()) references.add(task, row['reference_signature'])
    groups.push(...keysOf(row).map((key) => ({ task, key })))
    ids.push(String(row['candidate_id']))
  }
  const ofCode = codes.clusters()
  const ofReference = references.clusters()
  const together = representatives(tasks.names, joinTasks({ tasks: tasks.names, taskOf, groups, ofCode, ofReference }))
  const nearTo = representatives(ids, ofCode)
  const asks = representatives(tasks.names, ofReference)
  for (const [index, candidate_id] of ids.entries()) {
    const task = taskOf[index] ?? 0
    await sink.write({
      candidate_id,
      near_cluster: nearTo[index] ?? null,
      reference_cluster: asks[task] ?? null,
      split_group: together[task] ?? '',
    })
  }
}

const READ_COLUMNS = [
  'candidate_id',
  'task_id',
  'repo_name',
  'reference_repo_name',
  'reference_graph',
  'code_signature',
  'reference_signature',
]

// What tasks that belong together share: a repository, of code or reference alike, or the graph of the reference.
function keysOf({ repo_name, reference_repo_name, reference_graph }: Readonly<Record<string, unknown>>): string[] {
  const repositories = [repo_name, reference_repo_name].filter((name) => typeof name === 'string')
  const keys = repositories.map((name) => `repository ${name.toLowerCase()}`)
  return typeof reference_graph === 'string' ? [...keys, `graph ${reference_graph}`] : keys
}

// The smallest id stands for a cluster, whatever order its members came in.
function representatives(names: readonly string[], clusters: Int32Array): (string | null)[] {
  const smallest = new Map<number, string>()
  for (const [index, name] of names.entries()) {
    const cluster = clusters[index] ?? -1
    const known = smallest.get(cluster)
    if (cluster !== -1 && (known === undefined || name < known)) smallest.set(cluster, name)
  }
  return names.map((_, index) => smallest.get(clusters[index] ?? -1) ?? null)
}

interface Belonging {
  readonly tasks: readonly string[]
  readonly taskOf: Uint32Array
  readonly groups: readonly { task: number; key: string }[]
  readonly ofCode: Int32Array
  readonly ofReference: Int32Array
}

function joinTasks({ tasks, taskOf, groups, ofCode, ofReference }: Belonging): Int32Array {
  const sets = openDisjointSets(tasks.length)
  const firstOf = new Map<string, number>()
  for (const { task, key } of groups) {
    const first = firstOf.get(key)
    if (first === undefined) firstOf.set(key, task)
    else sets.join(first, task)
  }
  for (const [index, first] of ofCode.entries()) if (first >= 0) sets.join(taskOf[first] ?? 0, taskOf[index] ?? 0)
  for (const [task, first] of ofReference.entries()) if (first >= 0 && task < tasks.length) sets.join(first, task)
  return Int32Array.from(sets.firsts())
}

function openIndex() {
  const places = new Map<string, number>()
  const names: string[] = []
  return {
    names,
    place(name: string): number {
      const known = places.get(name)
      if (known !== undefined) return known
      places.set(name, names.length)
      names.push(name)
      return names.length - 1
    },
  }
}

// Texts without a signature, such as those of candidates that came without code, are in no cluster: -1.
function openSignatures(capacity: number) {
  const values = new Uint32Array(capacity * SIGNATURE_LENGTH)
  const placeOf = new Int32Array(capacity).fill(-1)
  const textAt: number[] = []
  let size = 0
  return {
    size: () => size,
    add(text: number, signature: unknown): void {
      size = text + 1
      if (typeof signature !== 'string') return
      decodeSignature(signature, values, textAt.length)
      placeOf[text] = textAt.length
      textAt.push(text)
    },
    clusters(): Int32Array {
      const firsts = nearClusters({ values, count: textAt.length })
      return placeOf.map((place) => (place === -1 ? -1 : (textAt[firsts[place] ?? 0] ?? -1)))
    },
  }
}
