import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { runProcess } from '../../pipelines/core/process.ts'
import { BASELINES } from '../../pipelines/core/records/evaluation.ts'
import { taskId, workloadId } from '../../pipelines/core/records/task.ts'
import { listGpus } from '../../validators/gpu-list.ts'
import { installedPackages } from '../../validators/installed-packages.ts'
import type { EvaluationRequest } from '../../validators/types.ts'
import type { ValidatorSettings } from '../../validators/validator.ts'
import { aCandidate, aTask } from '../records.ts'

/** What a row must say; fields that are left out are not looked at. */
const ExpectedRow = z.strictObject({
  status: z.string().optional(),
  stage: z.string().nullable().optional(),
  cause: z.string().nullable().optional(),
  blame: z.string().nullable().optional(),
  proved_on: z.string().nullable().optional(),
  log: z.string().optional().describe('Text that the log must contain'),
  log_begins: z.string().optional().describe('Text that it must begin with'),
  checks: z.record(z.string(), z.boolean().nullable()).optional().describe('Check without version to finding'),
  kernels: z.array(z.string()).optional().describe('Names of the kernels whose registers the row must tell'),
  timed: z
    .boolean()
    .nullable()
    .optional()
    .describe('Whether there must be a performance, none by default; null: if the machine is quiet enough'),
})
export type ExpectedRow = z.infer<typeof ExpectedRow>

/** `expected.json` of a folder under test/fixtures/kernels. */
const Expected = ExpectedRow.extend({
  task: z.string().nullable().default(null).describe('The folder whose `task.py` it is judged on; null for its own'),
  language: z.enum(['triton', 'cuda', 'cpp']),
  form: z.enum(['device', 'native', 'python']).default('python'),
  entry_point: z.string().default('candidate.py::ModelNew'),
  mode: z.enum(['screen', 'standard', 'certify']).default('screen'),
  calls: z.int().default(2),
  timeout_s: z.number().default(20),
  memory_bytes: z.int().default(1_500_000_000),
  own_kernel: z.enum(['report', 'require']).default('report'),
  library_calls: z.enum(['allow', 'report', 'forbid']).default('report'),
  static_tags: z
    .enum(['report', 'refuse'])
    .default('report')
    .describe('What runs is to be refused for what it does, also where its text gives it away'),
  backward: z.enum(['report', 'require']).default('report'),
  precision: z.enum(['strict', 'allow_tf32']).default('strict'),
  baselines: z.array(z.enum(BASELINES)).default([]).describe('What a timed row must have figures over'),
  attacks: z
    .array(z.int().min(1).max(46))
    .default([])
    .describe('Numbers of the attacks of the catalogue it carries out'),
  twin: z.string().nullable().default(null).describe('For attacks: the folder of the honest program it comes from'),
  axes: z.array(z.record(z.string(), z.string())).default([{}]).describe('Workloads; one without overrides by default'),
  max_speedup: z.number().optional().describe('For attacks on the clock that are allowed because they gain nothing'),
  rows: z.array(ExpectedRow).optional().describe('Per workload, where they differ'),
  needs: z.array(z.enum(['nvcc', 'g++', 'triton', 'gpu', 'no gpu'])).default([]),
  gpu: ExpectedRow.optional().describe('What differs where there is a GPU'),
})

/** A folder of test/fixtures/kernels: a task, a candidate, and what must be said of them. */
export interface KernelFixture {
  readonly name: string
  readonly expected: z.infer<typeof Expected>
  readonly request: EvaluationRequest
}

/** All folders: those with one task one after another, since a judge proves a task once, otherwise in order of name. */
export function kernelFixtures(): KernelFixture[] {
  const folder = join(packageRoot, 'test', 'fixtures', 'kernels')
  const found = readdirSync(folder)
    .sort()
    .map((name) => readFixture(name, join(folder, name)))
  return [...Map.groupBy(found, ({ request }) => request.task.id).values()].flat()
}

function readFixture(name: string, folder: string): KernelFixture {
  const expected = Expected.parse(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')))
  const content = {
    reference: readFileSync(join(folder, '..', expected.task ?? name, 'task.py'), 'utf8'),
    workloads: expected.axes.map((axes) => ({ id: workloadId(axes), axes })),
  }
  const task = aTask({ ...content, id: taskId(content) })
  const files = readdirSync(folder).filter((file) => !['task.py', 'expected.json', '__pycache__'].includes(file))
  const candidate = aCandidate(task, {
    language: expected.language,
    form: expected.form,
    entry_point: expected.entry_point,
    sources: files.map((file) => ({ path: file, content: readFileSync(join(folder, file), 'utf8') })),
  })
  return { name, expected, request: { task, candidate } }
}

/** Why a fixture cannot be judged here, or null. */
export function missingFor({ expected }: KernelFixture, tools: Readonly<Record<string, string | null>>): string | null {
  for (const need of expected.needs) {
    const present = need === 'no gpu' ? tools['gpu'] === null : (tools[need] ?? null) !== null
    if (!present) return `needs ${need}`
  }
  return null
}

/** How a fixture is judged. */
export function settingsOf({ expected }: KernelFixture): ValidatorSettings {
  const { mode, calls, timeout_s, memory_bytes, precision, baselines } = expected
  const { own_kernel, library_calls, static_tags, backward } = expected
  const limits = { timeout_s, memory_bytes, timing_s: 0.5, build_timeout_s: 120 }
  return {
    mode,
    calls,
    own_kernel,
    library_calls,
    static_tags,
    backward,
    precision,
    baselines,
    sanitizer_share: 0,
    ...limits,
    max_workloads: 5,
    seed: 7,
  }
}

/** What this machine has of what fixtures need: a name, or null. */
export async function findTools(python: string): Promise<Record<string, string | null>> {
  const [gpu] = await listGpus()
  const find = async (program: string) => ((await runProcess(program, ['--version'])).ok ? program : null)
  return {
    gpu: gpu?.name ?? null,
    triton: (await installedPackages(python)).get('triton')?.version ?? null,
    nvcc: await find('nvcc'),
    'g++': await find('g++'),
  }
}

/** Fixtures that crash, hang or take all there is. */
export const ENDS_BADLY =
  /^broken_(segfault|abort|exit|endless|host_loop|floods_output|memory|gpu_memory|device_assert|illegal)|fork_bomb/
