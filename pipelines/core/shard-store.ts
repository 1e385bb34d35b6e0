import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { CurateError } from './errors.ts'
import { sha256OfFile } from './hash.ts'
import { Manifest, readManifest, writeManifest } from './manifest.ts'
import type { ObjectStore } from './object-store.ts'
import { commitAttempt, openAttempt } from './shard-commit.ts'
import type { Attempt } from './shard-commit.ts'
import type { ShardKey, StageName } from './stage.ts'
import type { WorkDirectory } from './work-directory.ts'

/**
 * Finished shards of a run in an object store, for machines that share no folder. The files of each try lie under its own name; the
 * manifest is written once, on the condition that there is none, and names the try that counts.
 */
export interface ShardStore {
  /** The manifest of a shard in the store; null where there is none. */
  find(key: ShardKey): Promise<Manifest | null>
  /** Brings a shard from the store to the work directory, unless it is there; null where the store has none. */
  pull(key: ShardKey): Promise<Manifest | null>
  /** Commits the shard in the work directory to the store, and gives the manifest that counts: of two, the first one's. */
  push(key: ShardKey): Promise<Manifest>
  /** Takes back what an earlier plan left. */
  retract(key: ShardKey): Promise<void>
}

/** Where the progress of a stage on other machines lies in a store. */
export function progressKey(run: string, stage: StageName): string {
  return `${run}/jobs/${stage}.progress.json`
}

/** The shards of the run in `directories`. */
export function openShardStore(store: ObjectStore, directories: WorkDirectory, run: string): ShardStore {
  const folderOf = ({ stage, shard }: ShardKey): string => `${run}/${stage}/${shard}`
  const manifestOf = (key: ShardKey): string => `${folderOf(key)}/manifest.json`

  async function find(key: ShardKey): Promise<Manifest | null> {
    const text = await store.read(manifestOf(key))
    return text === null ? null : Manifest.parse(JSON.parse(text))
  }
  async function pull(key: ShardKey): Promise<Manifest | null> {
    const manifest = await find(key)
    if (manifest === null) return null
    const present = await readManifest(directories.shard(key))
    if (present?.attempt === manifest.attempt && present.output_hash === manifest.output_hash) return manifest
    const attempt = await openAttempt(directories, key)
    try {
      await fetchFiles(store, `${folderOf(key)}/${manifest.attempt}`, attempt, manifest)
      const { config_hash, input_hash, stage_version } = manifest
      const wanted = { ...key, configHash: config_hash, inputHash: input_hash, stageVersion: stage_version }
      return await commitAttempt(attempt, directories, wanted, manifest)
    } finally {
      await rm(attempt.directory, { recursive: true, force: true })
    }
  }
  return {
    find,
    pull,
    async push(key) {
      const directory = directories.shard(key)
      const manifest = await readManifest(directory)
      if (manifest === null) throw new TypeError(`${relative(directories.root, directory)} is not finished`)
      for (const { path } of manifest.outputs) {
        await store.upload(`${folderOf(key)}/${manifest.attempt}/${path}`, join(directory, path))
      }
      const text = `${JSON.stringify(manifest, null, 2)}\n`
      if (await store.writeOnce(manifestOf(key), text)) return manifest
      const first = await find(key)
      if (first !== null && first.input_hash === manifest.input_hash && first.config_hash === manifest.config_hash)
        return first
      throw new CurateError('shard_contested', `${store.url}/${manifestOf(key)} is of another plan`, {
        hint: 'Another run with other settings writes to the same prefix: stop it, or use another prefix.',
      })
    },
    retract: (key) => store.remove(manifestOf(key)),
  }
}

async function fetchFiles(store: ObjectStore, prefix: string, attempt: Attempt, manifest: Manifest): Promise<void> {
  for (const { path, sha256 } of manifest.outputs) {
    const file = join(attempt.directory, path)
    await store.download(`${prefix}/${path}`, file)
    if ((await sha256OfFile(file)) === sha256) continue
    throw new CurateError('shard_corrupt', `${store.url}/${prefix}/${path} is not the file that its manifest names`, {
      hint: 'It was changed or damaged in the store. Delete the shard there and run the same command again.',
      retryable: true,
    })
  }
  await writeManifest(attempt.directory, manifest)
}
