import { parentPort, workerData } from 'node:worker_threads'
import { languages } from '../languages/registry.ts'
import type { Language } from '../types.ts'
import type { Registry } from '../../pipelines/core/plugin.ts'
import { CurateError } from '../../pipelines/core/errors.ts'
import { MiningRequest, WorkerSetup } from './file-miner.ts'
import type { MiningAnswer } from './file-miner.ts'
import { mineFile } from './file-mining.ts'

// One thread of a file miner: it answers each file with what mining finds in it.
const registry: Registry<Language> = languages
const enabled = WorkerSetup.parse(workerData).flatMap(({ id, options }) => {
  const plugin = registry[id]
  return plugin === undefined ? [] : [{ plugin, options }]
})

parentPort?.on('message', (message: unknown) => {
  const { path, content } = MiningRequest.parse(message)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  void answer(path, content).then((found) => parentPort?.postMessage(found))
})

async function answer(path: string, content: Uint8Array | null): Promise<MiningAnswer> {
  try {
    return { mined: await mineFile(path, content === null ? null : Buffer.from(content), enabled) }
  } catch (error) {
    if (!(error instanceof CurateError)) throw error
    return { code: error.code, message: error.message, hint: error.hint }
  }
}
