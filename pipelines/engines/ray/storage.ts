import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { basename } from 'node:path'
import { CurateError } from '../../core/errors.ts'
import { readManifest } from '../../core/manifest.ts'
import type { Manifest } from '../../core/manifest.ts'
import { openObjectStore } from '../../core/object-store.ts'
import { openShardStore, progressKey } from '../../core/shard-store.ts'
import type { ShardKey } from '../../core/stage.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'
import type { StageJob } from '../types.ts'
import { jobFiles } from './job-record.ts'

/** How shards get to the nodes and back. */
export interface SharedStorage {
  /** Whether nodes see the files of this machine. */
  readonly isFolder: boolean
  /** Makes the plan, and what its shards read, visible to the nodes. */
  send(job: StageJob): Promise<void>
  /** Where the driver and the nodes find plan and progress: fields of the driver's configuration. */
  places(job: StageJob): { readonly arguments: readonly string[]; readonly progress_file: string | null }
  /** The manifest of a shard that a node has finished, with the shard in the work directory. */
  fetch(key: ShardKey): Promise<Manifest>
}

/** The work directory itself, or an object store at `s3://BUCKET/PREFIX`. */
export async function openStorage(directories: WorkDirectory, store: string | null): Promise<SharedStorage> {
  return store === null ? folderStorage(directories) : objectStorage(directories, store)
}

function folderStorage(directories: WorkDirectory): SharedStorage {
  return {
    isFolder: true,
    send: async () => undefined,
    places: ({ planFile, stage }) => ({
      arguments: ['--plan', planFile, '--engine', 'ray', '--json'],
      progress_file: jobFiles(directories.root, stage).progress,
    }),
    async fetch(key) {
      const directory = directories.shard(key)
      // What another machine wrote may take a while to be seen through a network file system (nfs(5): acregmax, a minute).
      for (let waited = 0; waited < 120; waited += 1) {
        const manifest = await readManifest(directory)
        if (manifest !== null) return manifest
        await sleep(500)
      }
      throw new CurateError('folder_not_shared', `a node says that ${directory} is finished, and it is not there`, {
        hint: 'The work directory must be one folder for all nodes and this machine: `curate doctor --engine ray` checks that.',
      })
    },
  }
}

async function objectStorage(directories: WorkDirectory, url: string): Promise<SharedStorage> {
  const store = await openObjectStore(url)
  const run = basename(directories.root)
  const shards = openShardStore(store, directories, run)
  const planKey = (stage: string): string => `${run}/plans/${stage}.json`
  return {
    isFolder: false,
    async send({ stage, planFile, inputs, shards: due, wanted, isForced }) {
      for (const input of inputs) {
        const there = await shards.find(input)
        const here = await readManifest(directories.shard(input))
        if (there?.output_hash === here?.output_hash) continue
        if (there !== null) await shards.retract(input)
        await shards.push(input)
      }
      for (const shard of due) {
        const { configHash, inputHash } = wanted(shard)
        const there = await shards.find({ stage, shard })
        const isWanted = there?.config_hash === configHash && there.input_hash === inputHash
        if (there !== null && (isForced || !isWanted)) await shards.retract({ stage, shard })
      }
      await store.remove(progressKey(run, stage))
      await store.write(planKey(stage), await readFile(planFile, 'utf8'))
    },
    places: ({ stage }) => ({
      arguments: ['--plan', `${url.replace(/\/$/, '')}/${planKey(stage)}`, '--engine', 'ray', '--json'],
      progress_file: null,
    }),
    async fetch(key) {
      const manifest = await shards.pull(key)
      if (manifest !== null) return manifest
      throw new CurateError(
        'object_store',
        `a node says that ${key.stage}/${key.shard} is finished, and ${url} has no such shard`,
        {
          hint: 'All machines must use the same bucket: compare AWS_ENDPOINT_URL on them.',
        },
      )
    },
  }
}
