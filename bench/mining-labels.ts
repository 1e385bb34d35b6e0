/**
 * Compares what `curate scan` finds with labels made by hand: `node bench/mining-labels.ts LABELS REPOSITORIES [repository...]`.
 * LABELS is a JSON file; REPOSITORIES a folder with one git repository each as `owner+name/repo`. Prints, by repository and language,
 * recall and precision of kernels; recall of pairs, with how many name the labelled test or reference; pairs claimed for
 * kernels that have none; and everything that was missed.
 */
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { silentLog } from '../pipelines/core/log.ts'
import { scanRepository } from '../pipelines/run/repository-scan.ts'
import type { RepositoryScan, ScannedKernel, ScannedPair } from '../pipelines/run/repository-scan.ts'

const Place = z.object({ file: z.string().nullable(), symbol: z.string().nullable(), line: z.number().nullish() })
const LabelledKernel = z.object({ language: z.string(), file: z.string(), symbol: z.string(), line: z.number() })
const Labels = z.object({
  counts: z.record(
    z.string(),
    z.object({
      sha: z.string(),
      languages: z.record(
        z.string(),
        z.object({
          count: z.number(),
          list: z.array(z.tuple([z.string(), z.string(), z.number()])).optional(),
        }),
      ),
    }),
  ),
  pairs: z.array(
    z.object({
      repo: z.string(),
      sha: z.string(),
      kernel: LabelledKernel,
      test: Place.nullable(),
      reference: Place,
      evidence: z.string(),
    }),
  ),
  negatives: z.array(z.object({ repo: z.string(), sha: z.string(), kernel: LabelledKernel, reason: z.string() })),
})
type Labels = z.infer<typeof Labels>

// What the labels call a language, where it is not our name.
const LANGUAGE_NAMES: Readonly<Record<string, string>> = {
  cuda___global__: 'cuda',
  cute_kernel: 'cute-dsl',
  tilelang_prim_func: 'tilelang',
}

const [labelFile, folder, ...only] = process.argv.slice(2)
if (labelFile === undefined || folder === undefined)
  throw new Error('give the label file and the folder of repositories')
const labels = Labels.parse(JSON.parse(await readFile(labelFile, 'utf8')))
const shas = new Map([...labels.pairs, ...labels.negatives].map(({ repo, sha }) => [repo, sha]))
for (const [repo, { sha }] of Object.entries(labels.counts)) shas.set(repo, sha)
const totals = { kernels: 0, found: 0, claimed: 0, pairs: 0, paired: 0, right: 0, negatives: 0, wrong: 0 }
for (const [repo, sha] of [...shas].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  if (only.length === 0 || only.includes(repo)) await measure(repo, sha, folder)
}
console.log('\ntotal')
console.log(`kernels: recall ${ratio(totals.found, totals.kernels)}, precision ${ratio(totals.found, totals.claimed)}`)
console.log(
  `pairs: recall ${ratio(totals.paired, totals.pairs)}, of these with the labelled test or reference ${ratio(totals.right, totals.paired)}`,
)
console.log(`kernels without a reference that got one: ${ratio(totals.wrong, totals.negatives)}`)

async function measure(repo: string, sha: string, root: string): Promise<void> {
  const path = join(root, repo.replace('/', '+'), 'repo')
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (!isThere) return console.log(`\n${repo}: not in ${root}`)
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'curate-labels-'))
  const started = Date.now()
  const scan = await scanRepository(path, sha, { cacheDirectory, signal: new AbortController().signal, log: silentLog })
  await rm(cacheDirectory, { recursive: true })
  const { summary } = scan
  console.log(`\n${repo}: ${((Date.now() - started) / 1000).toFixed(1)} s; kernels ${JSON.stringify(summary.kernels)}`)
  console.log(
    `  pairs ${summary.pairs}, of these self-contained ${summary.self_contained_pairs}; kernels with one ${summary.kernels_with_pair}`,
  )
  measureKernels(repo, scan)
  measurePairs(repo, scan)
}

function measureKernels(repo: string, { kernels }: RepositoryScan): void {
  for (const [name, { list = [], count }] of Object.entries(labels.counts[repo]?.languages ?? {})) {
    const language = LANGUAGE_NAMES[name] ?? name
    const own = kernels.filter((kernel) => kernel.language === language)
    if (list.length === 0) {
      console.log(`  ${language}: ${own.length} found, ${count} counted by hand`)
      continue
    }
    const missed = list.filter(([file, symbol, line]) => !own.some((kernel) => isAt(kernel, file, symbol, line)))
    const extra = own.filter((kernel) => !list.some(([file, symbol, line]) => isAt(kernel, file, symbol, line)))
    totals.kernels += list.length
    totals.found += list.length - missed.length
    totals.claimed += own.length
    console.log(
      `  ${language}: recall ${ratio(list.length - missed.length, list.length)}, precision ${ratio(own.length - extra.length, own.length)}`,
    )
    for (const [file, symbol, line] of missed.slice(0, 12)) console.log(`    missed ${file}:${line} ${symbol}`)
    for (const kernel of extra.slice(0, 12)) console.log(`    not labelled ${kernel.entry_point}:${kernel.start_line}`)
  }
}

function measurePairs(repo: string, { pairs, kernels }: RepositoryScan): void {
  const pairsOf = ({ file, symbol, line }: z.infer<typeof LabelledKernel>): ScannedPair[] => {
    const at = kernels.filter((kernel) => isAt(kernel, file, symbol, line)).map(({ entry_point }) => entry_point)
    return pairs.filter(({ kernel }) => at.includes(kernel))
  }
  for (const label of labels.pairs.filter((each) => each.repo === repo)) {
    const found = pairsOf(label.kernel)
    const right = found.filter((pair) => isLabelled(pair, label))
    totals.pairs += 1
    if (found.length > 0) totals.paired += 1
    if (right.length > 0) totals.right += 1
    const name = `${label.kernel.file}::${label.kernel.symbol}`
    if (found.length === 0) console.log(`    no pair for ${name} (${label.evidence}; ${label.reference.symbol})`)
    else if (right.length === 0) {
      const [first] = found
      console.log(
        `    other pair for ${name}: ${first?.evidence.path}::${first?.evidence.symbol}, ${first?.reference.symbol ?? first?.reference.expression} instead of ${label.reference.symbol}`,
      )
    }
  }
  for (const { kernel, reason } of labels.negatives.filter((each) => each.repo === repo)) {
    const [claimed] = pairsOf(kernel)
    totals.negatives += 1
    if (claimed === undefined) continue
    totals.wrong += 1
    console.log(
      `    claimed for ${kernel.file}::${kernel.symbol}, which has ${reason}: ${claimed.evidence.path}::${claimed.evidence.symbol}, ${claimed.reference.expression}`,
    )
  }
}

function isAt(kernel: ScannedKernel, file: string, symbol: string, line: number): boolean {
  const last = (name: string | undefined): string => name?.split(/::|\./).at(-1) ?? ''
  const isSame = last(kernel.entry_point) === last(symbol)
  return kernel.path === file && isSame && kernel.start_line <= line && line <= kernel.end_line
}

function isLabelled({ evidence, reference }: ScannedPair, label: Labels['pairs'][number]): boolean {
  const isTest = label.test !== null && evidence.path === label.test.file && evidence.symbol === label.test.symbol
  const isReference =
    reference.path === label.reference.file &&
    (reference.symbol === label.reference.symbol || evidence.path === reference.path)
  return isTest || isReference
}

function ratio(part: number, whole: number): string {
  return `${part}/${whole}${whole === 0 ? '' : ` (${(part / whole).toFixed(3)})`}`
}
