/**
 * What mining costs: `node bench/mine.ts REPOSITORY [THREADS]`, REPOSITORY being the path of a git repository. Prints MB/s, files/s and
 * processor seconds of reading and parsing every file that mining selects (`git cat-file --batch` and tree-sitter, one after the other),
 * of mining them without a memory, and of mining them again with one; and the ratio of each to the first.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { selectFiles } from '../extractors/files/file-selection.ts'
import { decodeText } from '../extractors/files/file-text.ts'
import { endingsThatHold } from '../extractors/files/text-parts.ts'
import { languages } from '../extractors/languages/registry.ts'
import { withSyntaxTree } from '../extractors/languages/syntax-tree.ts'
import { mineRepository } from '../extractors/mining.ts'
import { openFileMiner } from '../extractors/mining/file-miner.ts'
import { git } from '../extractors/sources/git.ts'
import type { Language, Repository, RepositoryFile } from '../extractors/types.ts'
import { silentLog } from '../pipelines/core/log.ts'
import { enabledPlugins } from '../pipelines/core/plugin.ts'

const [path, threadText] = process.argv.slice(2)
if (path === undefined) throw new Error('give the path of a git repository')
const threads = threadText === undefined ? availableParallelism() : Number(threadText)
const limits = { include: ['**'], exclude: [], maxFileBytes: 2_000_000, maxFiles: 100_000 }
const every = enabledPlugins<Language>(
  languages,
  Object.fromEntries(Object.values(languages).map(({ id, options }) => [id, options.parse({})])),
)
const cacheDirectory = await mkdtemp(join(tmpdir(), 'curate-mine-'))
const repository = await openRepository(path)
const extensions = endingsThatHold(new Set(every.flatMap(({ plugin }) => plugin.extensions)))
const { selected } = selectFiles(await repository.listFiles(), { ...limits, extensions })
const megabytes = selected.reduce((sum, { numBytes }) => sum + numBytes, 0) / 1e6
console.log(`${repository.name} at ${repository.commitSha}: ${selected.length} files, ${megabytes.toFixed(1)} MB`)

const bare = await measured('read and parse', () => readAndParse(repository, selected))
for (const [name, directory] of [
  [`mine, ${threads} threads`, undefined],
  ['mine, and remember', cacheDirectory],
  ['mine again', cacheDirectory],
] as const) {
  const { seconds, processor } = await measured(name, () => mine(directory))
  console.log(
    `  to bare: ${(seconds / bare.seconds).toFixed(2)} by the clock, ${(processor / bare.processor).toFixed(2)} of the processor`,
  )
}
await rm(cacheDirectory, { recursive: true })

async function openRepository(url: string): Promise<Repository> {
  const context = { cacheDirectory, signal: new AbortController().signal, log: silentLog }
  const options = git.options.parse({ url: resolve(url), history: 'full' })
  return git.open(options, await git.resolve(options, context), context)
}

async function readAndParse(from: Repository, files: readonly RepositoryFile[]): Promise<string> {
  let parsed = 0
  for await (const { path: name, content } of from.readFiles(files.map((file) => file.path))) {
    const { text } = decodeText(content)
    if (text === null) continue
    await withSyntaxTree(extname(name) === '.py' ? 'python' : 'cuda', text, () => (parsed += 1), 0)
  }
  return `${parsed} trees`
}

async function mine(directory: string | undefined): Promise<string> {
  const miner = openFileMiner(every, threads)
  const cache = directory === undefined ? {} : { cacheDirectory: directory }
  try {
    const { kernels, rejects } = await mineRepository(repository, {
      ...limits,
      ...cache,
      source: 'bench',
      languages: every,
      miner,
    })
    return `${kernels.length} kernels, ${rejects.length} rejects`
  } finally {
    await miner.close()
  }
}

async function measured(name: string, work: () => Promise<string>): Promise<{ seconds: number; processor: number }> {
  const [started, before] = [process.hrtime.bigint(), process.cpuUsage()]
  const result = await work()
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  const { user, system } = process.cpuUsage(before)
  const processor = (user + system) / 1e6
  const rates = `${(megabytes / seconds).toFixed(1)} MB/s, ${(selected.length / seconds).toFixed(0)} files/s`
  const memory = `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most so far`
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${rates}, ${processor.toFixed(1)} s of the processor, ${memory}; ${result}`,
  )
  return { seconds, processor }
}
