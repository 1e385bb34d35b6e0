import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { datasets } from '../../../extractors/imports/datasets/registry.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import { trajectories } from '../../../pipelines/core/records/trajectory.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { generateStage } from '../../../pipelines/stages/generate.ts'
import { aRecipe, openStageRun } from '../../pipelines/stages/stage-run.ts'
import type { StageRun } from '../../pipelines/stages/stage-run.ts'
import { aTask } from '../../records.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const FOLDER = join(packageRoot, 'test/fixtures/imports/datasets')
const Row = z.record(z.string(), z.unknown())
const Fixture = z.strictObject({
  /** File format of the import, with its options. */
  format: z.record(z.string(), Row),
  rows: z.array(Row).optional(),
  files: Row.optional(),
  /** Another dataset of this folder that brings the tasks. */
  tasks: z.string().optional(),
  expected: z.strictObject({
    tasks: z.array(Row),
    candidates: z.array(Row),
    rejects: z.array(z.tuple([z.int(), z.string()])),
    turns: z.array(Row),
  }),
})
type Fixture = z.infer<typeof Fixture>

// Written by pyarrow, as the datasets themselves are: nested columns and nulls have the types they have there.
const WRITE_PARQUET = `
import json, sys, pyarrow as pa, pyarrow.parquet as pq
for name, rows in json.load(sys.stdin).items():
    pq.write_table(pa.Table.from_pylist(rows), sys.argv[1] + "/" + name + ".rows")
`

// All at once: to start Python takes longer than to write them.
let writtenFolder = ''
beforeAll(async () => {
  writtenFolder = await mkdtemp(join(tmpdir(), 'curate-datasets-'))
  const rows: Record<string, unknown> = {}
  for (const id of Object.keys(datasets)) rows[id] = (await readFixture(id)).rows
  const python = join(packageRoot, '.venv/bin/python')
  const result = await runProcess(python, ['-c', WRITE_PARQUET, writtenFolder], { input: JSON.stringify(rows) })
  expect(result.stderr).toBe('')
})
afterAll(() => rm(writtenFolder, { recursive: true, force: true }))

const SHARD = { stage: 'generate', shard: 'rows' } as const

describe('the mapping of a published dataset', () => {
  test('has a file of rows in its schema', async () => {
    const files = (await readdir(FOLDER)).map((name) => name.replace('.json', ''))
    expect(files.toSorted()).toEqual(Object.keys(datasets).toSorted())
    for (const [id, dataset] of Object.entries(datasets)) expect(dataset.id).toBe(id)
  })

  test.each(Object.keys(datasets))('%s brings what its rows hold and names what is wrong with the rest', async (id) => {
    const { expected, ...fixture } = await readFixture(id)
    const run = await importRows(id, { expected, ...fixture })
    const [found, made] = [await run.read(tasks, SHARD), await run.read(candidates, SHARD)]
    expect(found).toHaveLength(expected.tasks.length)
    expect(found).toMatchObject(expected.tasks)
    expect(made).toHaveLength(expected.candidates.length)
    expect(made).toMatchObject(expected.candidates)
    const refused = await run.read(rejects, SHARD)
    expect(refused.map(({ record_id, reason }) => [Number(record_id.split(':')[1]), reason])).toEqual(expected.rejects)
    const turns = await run.read(trajectories, SHARD)
    expect(turns).toHaveLength(expected.turns.length)
    expect(turns).toMatchObject(expected.turns)
    for (const [index, { candidate_id, parent_id }] of turns.entries()) {
      expect(made.map((candidate) => candidate.id)).toContain(candidate_id)
      expect(parent_id).toBe(turns[index - 1]?.candidate_id ?? null)
    }
  })

  test('makes programs that Python loads and that define what is judged', async () => {
    const programs: { text: string; names: string[] }[] = []
    for (const id of Object.keys(datasets)) {
      const run = await importRows(id, await readFixture(id))
      for (const { reference } of await run.read(tasks, SHARD)) {
        programs.push({ text: reference, names: ['Model', 'get_inputs', 'get_init_inputs'] })
      }
      for (const { sources } of await run.read(candidates, SHARD)) {
        programs.push({ text: sources[0]?.content ?? '', names: ['ModelNew'] })
      }
    }
    const input = JSON.stringify(programs)
    const loaded = await runProcess(join(packageRoot, '.venv/bin/python'), ['-c', LOAD], { input })
    expect(loaded).toMatchObject({ stderr: '', stdout: `${programs.length} programs, 1 extension` })
  })

  test('takes the shapes of a served model as workloads, and allocates what a kernel writes to', async () => {
    const run = await importRows('flashinfer-trace', await readFixture('flashinfer-trace'))
    const [task] = await run.read(tasks, SHARD)
    expect(task?.workloads.map(({ axes }) => axes)).toEqual([
      {},
      { batch_size: '6', hidden_size: '8', eps: '0.000001' },
    ])
    const [candidate] = await run.read(candidates, SHARD)
    const script = `
import json, sys, torch
reference, candidate = ({}, {})
programs = json.load(sys.stdin)
exec(programs[0], reference)
exec(programs[1], candidate)
reference["batch_size"] = 6
inputs = reference["get_inputs"]()
assert inputs[0].shape == (6, 8) and inputs[0].dtype == torch.bfloat16
expected, found = reference["Model"]()(*inputs), candidate["ModelNew"]()(*inputs)
torch.testing.assert_close(found, expected)
`
    const input = JSON.stringify([task?.reference, candidate?.sources[0]?.content])
    const ran = await runProcess(join(packageRoot, '.venv/bin/python'), ['-c', script], { input })
    expect(ran.stderr).toBe('')
  })
})

// The compiler of extensions is not started: what it would be given is compared instead.
const LOAD = `
import json, sys, types, torch
import torch.utils.cpp_extension as extension
built = []
def load_inline(**arguments):
    built.append(arguments["cuda_sources"])
    return types.SimpleNamespace(forward=lambda x, scale: torch.relu(x) * scale)
extension.load_inline = load_inline
import tempfile, os, importlib.util
programs = json.load(sys.stdin)
for number, program in enumerate(programs):
    path = os.path.join(tempfile.mkdtemp(), f"program_{number}.py")
    open(path, "w").write(program["text"])
    spec = importlib.util.spec_from_file_location(f"program_{number}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in program["names"]:
        assert hasattr(module, name), name
    if "get_inputs" in program["names"]:
        init = module.get_init_inputs()
        args, kwargs = init if [type(part) for part in init] == [list, dict] else (init, {})
        assert module.Model(*args, **kwargs)(*module.get_inputs()).isfinite().all()
for source in built:
    assert '„Kommentar“ – with "quotes", a \\\\ backslash and 𝛼' in source, source
print(f"{len(programs)} programs, {len(built)} extension")
`

async function readFixture(id: string): Promise<Fixture> {
  return Fixture.parse(JSON.parse(await readFile(join(FOLDER, `${id}.json`), 'utf8')))
}

async function importRows(id: string, fixture: Fixture): Promise<StageRun> {
  const base = await temporaryFolder()
  const others = fixture.tasks === undefined ? [] : [{ id: fixture.tasks, fixture: await readFixture(fixture.tasks) }]
  const read = [{ id, fixture }, ...others]
  for (const { id: name, fixture: written } of read) await writeRows(base, name, written)
  const imports = read.map(({ id: name, fixture: { format } }) => ({
    id: name === id ? 'rows' : name,
    path: `${name}.rows`,
    dataset: name,
    ...format,
  }))
  const run = openStageRun(base, aRecipe({ generate: { imports } }))
  await run.write({ stage: 'pair', shard: 'example' }, [rowOf(tasks, aTask())], [tasks])
  await run.run(generateStage)
  return run
}

async function writeRows(base: string, id: string, { rows, files }: Fixture): Promise<void> {
  const path = join(base, `${id}.rows`)
  for (const [name, value] of Object.entries(files ?? {})) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), typeof value === 'string' ? value : JSON.stringify(value))
  }
  if (rows !== undefined) await copyFile(join(writtenFolder, `${id}.rows`), path)
}
