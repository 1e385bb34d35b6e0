/**
 * Draws pairs for reading by hand: `node bench/pair-sample.ts SEED COUNT FOLDER RUN...`, each RUN being the folder of a run that has
 * finished `pair`. The sources take turns, and what of a source comes next is decided by the hash of SEED and the candidate: the same
 * runs and seed give the same sample. Writes `FOLDER/NN.py` with the evidence, the reference and the candidate, and prints one line each.
 */
import { readdir, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../pipelines/core/hash.ts'
import { candidates } from '../pipelines/core/records/candidate.ts'
import type { Candidate } from '../pipelines/core/records/candidate.ts'
import { tasks } from '../pipelines/core/records/task.ts'
import type { Pairing, Task } from '../pipelines/core/records/task.ts'
import { readTable } from '../pipelines/core/table.ts'

interface Drawn {
  readonly task: Task
  readonly pairing: Pairing
  readonly candidate: Candidate
}

const [seed, countText, folder, ...runs] = process.argv.slice(2)
const count = Number(countText)
if (seed === undefined || folder === undefined || runs.length === 0 || !Number.isInteger(count)) {
  throw new Error('give a seed, a number, a folder to write to, and folders of runs')
}
const queues = [...(await pairsBySource(runs)).values()].map((pairs) =>
  pairs.toSorted((a, b) => (sha256(`${seed} ${a.candidate.id}`) < sha256(`${seed} ${b.candidate.id}`) ? -1 : 1)),
)
await mkdir(folder, { recursive: true })
for (const [at, drawn] of inTurns(queues).slice(0, count).entries()) await show(at, drawn)

async function pairsBySource(folders: readonly string[]): Promise<Map<string, Drawn[]>> {
  const found = new Map<string, Drawn[]>()
  for (const run of folders) {
    for (const source of (await readdir(join(run, 'pair'))).toSorted()) {
      const byId = new Map<string, Task>()
      const shard = join(run, 'pair', source)
      for await (const task of readTable(tasks, join(shard, 'tasks.parquet'))) byId.set(task.id, task)
      for await (const candidate of readTable(candidates, join(shard, 'candidates.parquet'))) {
        const task = byId.get(candidate.task_id)
        const pairing = task?.pairing ?? null
        if (task === undefined || pairing === null || candidate.origin !== 'mined') continue
        found.set(source, [...(found.get(source) ?? []), { task, pairing, candidate }])
      }
    }
  }
  return found
}

function inTurns(lists: readonly (readonly Drawn[])[]): Drawn[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat()
}

async function show(at: number, { task, pairing, candidate }: Drawn): Promise<void> {
  const number = String(at + 1).padStart(2, '0')
  const { method, path, line, symbol, expression, confidence } = pairing
  console.log([number, candidate.source, task.name, `${path}:${line}`, method, confidence].join('\t'))
  const head = [`${candidate.source} ${candidate.id} ${method} ${confidence}`, `${path}:${line} ${symbol}`, expression]
  const workloads = task.workloads.map(({ axes }) => JSON.stringify(axes))
  const blocks = [
    [...head, ...workloads].map((text) => `# ${text}`).join('\n'),
    task.reference,
    '# ======== candidate',
    ...candidate.sources.map(({ content }) => content),
  ]
  await writeFile(join(folder ?? '', `${number}.py`), `${blocks.join('\n')}\n`)
}
