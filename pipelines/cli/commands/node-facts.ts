import { readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { describeDevice } from '../../../validators/device.ts'
import { listGpus } from '../../../validators/gpu-list.ts'
import { openObjectStore } from '../../core/object-store.ts'
import { packageVersion } from '../../core/package-root.ts'
import { programHash } from '../../engines/ray/package.ts'
import { TOKEN_FILE } from '../../engines/ray/probe.ts'
import type { MachineFacts } from '../../engines/ray/probe.ts'
import type { Reporter } from '../reporter/reporter.ts'

/** `curate node-facts`: what a node of a cluster is, for the machine that asks; `folder` is one that it shares. */
export async function tellNodeFacts(folder: string, reporter: Reporter): Promise<number> {
  const shared = await tryShared(folder)
  const gpus = await listGpus()
  const facts: MachineFacts = {
    host: hostname(),
    curate_version: packageVersion,
    program_hash: await programHash(),
    node_version: process.version,
    device: await describeDevice(),
    gpus: gpus.map(({ name }) => name),
    // The folder is named after what was written into it.
    reads_folder: shared.word === basename(folder),
    writes_folder: shared.isWritten,
  }
  reporter.records(JSON.stringify(facts), [facts])
  return 0
}

async function tryShared(folder: string): Promise<{ word: string | null; isWritten: boolean }> {
  const name = `${hostname()}-${process.pid}`
  const isDone = (writing: Promise<void>): Promise<boolean> => writing.then(() => true).catch(() => false)
  if (!folder.startsWith('s3://')) {
    const word = await readFile(join(folder, TOKEN_FILE), 'utf8').catch(() => null)
    return { word, isWritten: await isDone(writeFile(join(folder, name), '')) }
  }
  const store = await openObjectStore(folder)
  const word = await store.read(TOKEN_FILE).catch(() => null)
  return { word, isWritten: await isDone(store.write(name, '').then(() => store.remove(name))) }
}
