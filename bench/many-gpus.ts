/**
 * Many GPUs of one host, with real judges: `node bench/many-gpus.ts [--workers N] [--part certify|drain]`. First candidates are
 * certified, each on two GPUs where there are two, one of which is only right on the GPU that it does not know. Then the memory of the
 * first GPU is taken by another program while candidates wait: with a second one, all of them must pass; with one, those that find no
 * room must end with `device_unhealthy` or `device_out_of_memory`, none may be refused and nothing may hang. Prints lines of JSON; the
 * last one says what is good.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startOnDescriptors } from '../pipelines/core/process.ts'
import { CurateError } from '../pipelines/core/errors.ts'
import { listGpus } from '../validators/gpu-list.ts'
import { ONE_OFF_SETTINGS, requestOf } from '../validators/one-off.ts'
import { findPython } from '../validators/python-environment.ts'
import type { EvaluationRequest } from '../validators/types.ts'
import { questionOf } from '../validators/validator.ts'
import { WorkerPool } from '../validators/worker-pool.ts'

const REFERENCE = `import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=-1) * FACTOR


def get_inputs():
    return [torch.randn(2048, 1024)]


def get_init_inputs():
    return []
`

const KERNEL = `import torch
import triton
import triton.language as tl


@triton.jit
def softmax(x, out, columns, BLOCK: tl.constexpr):
    row, place = tl.program_id(0), tl.arange(0, BLOCK)
    known = place < columns
    values = tl.load(x + row * columns + place, mask=known, other=-float("inf"))
    powers = tl.exp(values - tl.max(values, 0))
    tl.store(out + row * columns + place, powers / tl.sum(powers, 0) * FACTOR, mask=known)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        out = torch.empty_like(x)
        softmax[(x.shape[0],)](x, out, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
        return out + WRONG
`

const TAKES_MEMORY = `import os
import torch
held = []
for step in (1 << 30, 1 << 26, 1 << 22):
    try:
        while True:
            held.append(torch.empty(step, dtype=torch.uint8, device="cuda"))
    except torch.OutOfMemoryError:
        pass
print("taken", torch.cuda.mem_get_info(), flush=True)
os.read(3, 1)
`

const { values } = parseArgs({ options: { workers: { type: 'string' }, part: { type: 'string', default: 'both' } } })
const gpus = await listGpus()
const { python } = await findPython()
const folder = await mkdtemp(join(tmpdir(), 'curate-many-gpus-'))
const workers = values.workers === undefined ? null : Number(values.workers)
console.log(JSON.stringify({ gpus: gpus.map(({ uuid, name }) => `${name} ${uuid}`) }))
const goods: Record<string, boolean> = {}
try {
  if (values.part !== 'drain') await certify()
  if (values.part !== 'certify') await drain()
  console.log(JSON.stringify({ good: Object.values(goods).every(Boolean), ...goods }))
} finally {
  await rm(folder, { recursive: true, force: true })
}

function openPool(): Promise<WorkerPool> {
  return WorkerPool.open({ python, workers, cacheFolder: join(folder, 'cache'), signal: new AbortController().signal })
}

// Tasks that differ, so that each has a reference of its own.
function aRequest(factor: number, wrong = '0'): EvaluationRequest {
  const code = KERNEL.replace('FACTOR', `${factor}.0`).replace('WRONG', wrong)
  return requestOf({ reference: REFERENCE.replace('FACTOR', `${factor}.0`), code, language: 'triton' })
}

async function certify(): Promise<void> {
  const pool = await openPool()
  const [first] = gpus
  const onlyThere = `(0 if str(torch.cuda.get_device_properties(0).uuid) in "${first?.uuid ?? ''}" else 1)`
  const requests = [...[1, 2, 3, 4, 5, 6].map((factor) => aRequest(factor)), aRequest(7, onlyThere)]
  const settings = { ...ONE_OFF_SETTINGS, mode: 'certify', baselines: [], timing_s: 4, seed: 1 } as const
  const answers = await Promise.all(
    requests.map(async (request) => {
      const start = Date.now()
      const { rows } = await pool.evaluate(questionOf(request, settings))
      const [row] = rows
      const told = row?.checks.filter(({ check }) => check.startsWith('second-gpu') || check.startsWith('sanitizer'))
      console.log(JSON.stringify({ seconds: (Date.now() - start) / 1000, status: row?.status, cause: row?.cause, log: row?.log.slice(0, 300), speedup: row?.performance?.speedup, certified_on: row?.certified_on, told, kernels: row?.build?.kernels })) // prettier-ignore
      return row
    }),
  )
  await pool.close()
  const wanted = gpus.length > 1 ? 2 : undefined
  const right = answers.slice(0, -1)
  goods['certified'] = right.every((row) => row?.status === 'PASSED' && row.certified_on?.length === wanted)
  goods['ptxas'] = right.every((row) => (row?.build?.kernels[0]?.registers ?? 0) > 0)
  // On one GPU it is right, or the first one was the other.
  const last = answers.at(-1)
  goods['refused'] = gpus.length < 2 || last?.cause === 'NOT_REPRODUCED' || last?.cause === 'WRONG_VALUE'
}

async function drain(): Promise<void> {
  const pool = await openPool()
  const settings = { ...ONE_OFF_SETTINGS, mode: 'screen', seed: 2 } as const
  const ask = async (factor: number): Promise<string> => {
    try {
      const { rows } = await pool.evaluate(questionOf(aRequest(factor), settings))
      const [row] = rows
      if (row !== undefined && row.status !== 'PASSED') console.log(JSON.stringify({ failed: row.cause, log: row.log }))
      return row === undefined ? 'no row' : `${row.status} on ${row.proved_on ?? 'nothing'}`
    } catch (error) {
      return error instanceof CurateError ? error.code : String(error)
    }
  }
  const many = (from: number): Promise<string[]> => Promise.all([0, 1, 2, 3, 4, 5].map((place) => ask(from + place)))
  const before = await many(10)
  const env = { ...process.env, CUDA_VISIBLE_DEVICES: gpus[0]?.uuid ?? '' }
  const hog = startOnDescriptors(python, ['-c', TAKES_MEMORY], { env })
  const taken = Date.now()
  while (!hog.printed().includes('taken') && Date.now() - taken < 60_000) await new Promise((done) => setTimeout(done, 100)) // prettier-ignore
  const start = Date.now()
  const during = await many(20)
  console.log(
    JSON.stringify({
      before,
      during,
      taken: hog.printed(),
      seconds: (Date.now() - start) / 1000,
      warnings: pool.takeWarnings(),
    }),
  )
  hog.stop()
  await hog.result
  await pool.close()
  const again = await openPool()
  const after = await again.evaluate(questionOf(aRequest(30), settings)).then(({ rows }) => rows[0]?.status)
  await again.close()
  console.log(JSON.stringify({ after }))
  const failed = new Set(['device_unhealthy', 'device_out_of_memory'])
  goods['before'] = before.every((status) => status === 'PASSED on gpu')
  goods['during'] = during.every((status) => status === 'PASSED on gpu' || (gpus.length === 1 && failed.has(status)))
  goods['after'] = after === 'PASSED'
}
