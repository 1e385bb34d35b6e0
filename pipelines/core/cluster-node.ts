import { availableParallelism } from 'node:os'

// An engine that gives this process a part of a node says so in its environment: CURATE_NODE is the node's name, CURATE_CORES how many of
// its cores are ours, CURATE_GPUS how many of its GPUs. On one machine none is set, and everything is ours.

/** Cores that this process may keep busy. */
export function usableCores(): number {
  const given = Number(process.env['CURATE_CORES'])
  const all = availableParallelism()
  return Number.isSafeInteger(given) && given > 0 ? Math.min(given, all) : all
}

/** Whether this process was given a GPU, so that judging without one would be judging on another device than the rest. */
export function isGivenGpu(): boolean {
  return Number(process.env['CURATE_GPUS']) > 0
}

/** Name of the node of a cluster that this process runs on; null where there is no cluster. */
export function clusterNode(): string | null {
  return process.env['CURATE_NODE'] || null
}
