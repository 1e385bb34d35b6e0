import { describe, expect, test } from 'vitest'
import { languages } from '../../extractors/languages/registry.ts'
import { mineRepository } from '../../extractors/mining.ts'
import type { MinedRepository } from '../../extractors/mining.ts'
import { openFileMiner } from '../../extractors/mining/file-miner.ts'
import type { FileMiner } from '../../extractors/mining/file-miner.ts'
import type { Repository } from '../../extractors/types.ts'

const enabled = [languages.triton, languages.cuda].map((plugin) => ({ plugin, options: {} }))

// Long enough that threads are worth it, and of very different lengths, so that they finish in another order than they begin.
const FILES: ReadonlyMap<string, string> = new Map(
  Array.from({ length: 40 }, (_, at) => {
    const padding = '# a line of no interest\n'.repeat(at % 3 === 0 ? 9000 : 10)
    const kernel = `import triton\n${padding}\n@triton.jit\ndef kernel_${at}(x):\n    kernel_${at + 1}(x)\n`
    return [`ops/file_${String(at).padStart(2, '0')}.py`, at % 7 === 3 ? `${kernel}\ndef (` : kernel] as const
  }),
)

describe('mining a repository', () => {
  test('gives the same with one thread, with many and with none', async () => {
    const small = new Map([...FILES].slice(1, 3))
    const [alone, one, many] = [await mine(repositoryOf(small)), await mineWith(1), await mineWith(4)]
    expect(one.kernels).toHaveLength(FILES.size)
    expect(many).toEqual(one)
    const paths = new Set(small.keys())
    const shared = one.kernels.filter(({ path }) => paths.has(path))
    expect(alone.kernels.map(({ id }) => id)).toEqual(shared.map(({ id }) => id))
  })

  test('tells how far it is, file by file, whatever the threads do', async () => {
    const miner = openFileMiner(enabled, 3)
    const steps: number[] = []
    await mine(repositoryOf(FILES), miner, (done) => steps.push(done))
    await miner.close()
    expect(steps).toEqual(Array.from({ length: FILES.size + 1 }, (_, at) => at))
  })

  test('reads no further ahead than its threads have use for', async () => {
    const miner = openFileMiner(enabled, 2)
    let [read, furthest] = [0, 0]
    const repository = repositoryOf(FILES, () => (read += 1))
    await mine(repository, miner, (done) => (furthest = Math.max(furthest, read - done)))
    await miner.close()
    expect(read).toBe(FILES.size)
    expect(furthest).toBeLessThanOrEqual(miner.width + 1)
  })

  test('stops where it is told to, and leaves no thread behind', async () => {
    const stopping = mine(repositoryOf(FILES), undefined, (done) => {
      if (done === 3) throw new Error('enough')
    })
    await expect(stopping).rejects.toThrow('enough')
  })
})

async function mineWith(threads: number): Promise<MinedRepository> {
  const miner = openFileMiner(enabled, threads)
  try {
    return await mine(repositoryOf(FILES), miner)
  } finally {
    await miner.close()
  }
}

async function mine(
  repository: Repository,
  miner?: FileMiner,
  onProgress: (done: number) => unknown = () => undefined,
): Promise<MinedRepository> {
  return mineRepository(repository, {
    source: 'example',
    include: ['**'],
    exclude: [],
    maxFileBytes: 1_000_000,
    maxFiles: 1000,
    languages: enabled,
    onProgress: (done) => void onProgress(done),
    ...(miner === undefined ? {} : { miner }),
  })
}

function repositoryOf(files: ReadonlyMap<string, string>, onRead: () => unknown = () => undefined): Repository {
  return {
    name: 'acme/kernels',
    url: 'https://example.org/acme/kernels',
    commitSha: '0'.repeat(40),
    listFiles: async () => [...files].map(([path, text]) => ({ path, numBytes: text.length, special: null })),
    async *readFiles(paths) {
      for (const path of paths) {
        onRead()
        yield { path, content: Buffer.from(files.get(path) ?? '') }
      }
    },
    history: async () => [],
    close: async () => undefined,
  }
}
