import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { openHub } from '../../exports/huggingface.ts'
import type { LocalFile } from '../../exports/publication-plan.ts'
import { publishDataset } from '../../exports/publisher.ts'
import type { PublicationRequest } from '../../exports/publisher.ts'
import { sha256 } from '../../pipelines/core/hash.ts'
import { startHubServer } from './hub-server.ts'
import type { HubServer } from './hub-server.ts'

export const TOKEN = 'hf_testtokentesttoken'
export const REPO = 'acme/kernels'
export const QUICKLY = { attempts: 4, delayMs: 5, maxDelayMs: 20 }
export const COMMIT_PATH = /\/commit\//

export const DATASET: Readonly<Record<string, string>> = {
  'README.md': '# Card λ\n',
  'recipe.yaml': 'name: test\n',
  'rejects/train-00000-of-00001.parquet': 'rejects',
  'sft/train-00000-of-00002.parquet': 'rows one',
  'sft/train-00001-of-00002.parquet': 'rows two',
}

/** Publishing to a server of the test's own. */
export interface Publishing {
  readonly server: HubServer
  readonly writeFiles: (contents: Readonly<Record<string, string>>) => Promise<LocalFile[]>
  readonly publish: (
    contents?: Readonly<Record<string, string>>,
    fields?: Partial<PublicationRequest>,
    access?: { token?: string; signal?: AbortSignal },
  ) => ReturnType<typeof publishDataset>
  /** What a download holds, without the file the server makes. */
  readonly downloaded: (branch?: string) => Record<string, string>
  readonly countRequests: (method: string, path: RegExp) => number
}

/** A server with one token that may write, made anew for each test. */
export function usePublishing(): () => Publishing {
  let directory = ''
  let server: HubServer
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'curate-publish-'))
    server = await startHubServer()
    server.addToken(TOKEN, 'write')
  })
  afterEach(async () => {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })
  return () => openPublishing(server, directory)
}

function openPublishing(server: HubServer, directory: string): Publishing {
  async function writeFiles(contents: Readonly<Record<string, string>>): Promise<LocalFile[]> {
    return Promise.all(
      Object.entries(contents).map(async ([path, content]) => {
        const localPath = join(directory, path)
        await mkdir(dirname(localPath), { recursive: true })
        await writeFile(localPath, content)
        return { path, localPath, numBytes: Buffer.byteLength(content), sha256: sha256(content) }
      }),
    )
  }
  return {
    server,
    writeFiles,
    async publish(contents = DATASET, fields = {}, { token = TOKEN, signal = new AbortController().signal } = {}) {
      const hub = openHub(server.endpoint, { token, origin: 'HF_TOKEN' }, signal, QUICKLY)
      const place = { repo: REPO, branch: 'main' }
      const request = { place, visibility: 'private', title: 'Publish test', isDryRun: false } as const
      return publishDataset(hub, { ...request, files: await writeFiles(contents), ...fields })
    },
    downloaded(branch = 'main') {
      const files = [...server.download(REPO, branch)].filter(([path]) => path !== '.gitattributes')
      return Object.fromEntries(files.map(([path, content]) => [path, content.toString()]))
    },
    countRequests: (method, path) =>
      server.requests.filter((line) => line.startsWith(`${method} `) && path.test(line)).length,
  }
}
