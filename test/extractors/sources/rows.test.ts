import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cuda } from '../../../extractors/languages/cuda.ts'
import { triton } from '../../../extractors/languages/triton.ts'
import { mineRepository } from '../../../extractors/mining.ts'
import { rows } from '../../../extractors/sources/rows.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { KERNEL_FILE } from './made-repository.ts'

const CUDA = '__global__ void scale(float* x, int n) {\n  int i = threadIdx.x;\n  if (i < n) x[i] *= 2.0f;\n}\n'
const SHA = '0123456789abcdef0123456789abcdef01234567'

// A row as the dataset has it; the columns that are not read are there to be passed over.
function stackRow(fields: Readonly<Record<string, unknown>>) {
  return {
    blob_id: 'b',
    directory_id: 'd',
    path: '/src/copy.py',
    content_id: 'c',
    detected_licenses: ['MIT'],
    license_type: 'permissive',
    repo_name: 'acme/layers',
    revision_id: SHA,
    language: 'Python',
    is_vendor: false,
    is_generated: false,
    length_bytes: 100,
    extension: 'py',
    content: KERNEL_FILE,
    ...fields,
  }
}

describe('rows of source files', () => {
  test('of The Stack v2 are read as paths of their repositories, also where two are the same', async () => {
    const found = await mined('the-stack-v2', [
      stackRow({}),
      stackRow({ revision_id: 'f'.repeat(40) }),
      stackRow({ path: '/src/scale.cu', content: CUDA }),
      stackRow({ path: '/../../etc/passwd.py' }),
      stackRow({ path: '/ids/alone.py', content: null }),
    ])
    expect(found.kernels.map(({ repo_name, entry_point, license }) => [repo_name, entry_point, license])).toEqual([
      ['bigcode/the-stack-v2', 'acme/layers/src/copy.py::copy_kernel', null],
      ['bigcode/the-stack-v2', 'acme/layers/src/scale.cu::scale', null],
      ['bigcode/the-stack-v2', 'row-2/acme/layers/src/copy.py::copy_kernel', null],
    ])
    expect(found.rejects.map(({ path }) => path)).toEqual([
      'acme/layers/../../etc/passwd.py',
      'acme/layers/ids/alone.py',
    ])
    for (const { reason } of found.rejects) expect(reason).toMatch(/^[a-z_]+$/)
  })

  test('of HPC-Instruct are the CUDA ones, without what the model said around them', async () => {
    const answer = (language: string, solution: string) => ({ language, 'problem statement': 'Scale.', solution })
    const found = await mined('hpc-instruct', [
      answer('Cuda', CUDA),
      answer('Fortran', CUDA),
      answer('Cuda', `Each thread takes one value:\n\n\`\`\`cuda\n${CUDA.replace('scale', 'fenced')}\`\`\`\n`),
    ])
    expect(found.kernels.map(({ entry_point, start_line, license }) => [entry_point, start_line, license])).toEqual([
      ['rows/1.cu::scale', 1, 'MIT'],
      ['rows/3.cu::fenced', 1, 'MIT'],
    ])
  })

  test('of TritonBench are programs that nobody licenses', async () => {
    const fences = KERNEL_FILE.replace('import triton\n', '"""\n```python\nx = 1\n```\n"""\nimport triton\n')
    const found = await mined('tritonbench-train', [{ code: fences }], 'json')
    expect(found.kernels).toMatchObject([{ entry_point: 'rows/1.py::copy_kernel', license: null }])
  })

  test('of a file that changed, or that is not there, are an error that names it', async () => {
    const path = join(await temporaryFolder(), 'rows.json')
    await writeFile(path, '[]')
    const options = { path, format: 'json' as const, dataset: 'tritonbench-train' as const }
    const context = await newContext()
    const commit = await rows.resolve(options, context)
    await writeFile(path, '[{"code": "x = 1"}]')
    await expect(rows.open(options, commit, context)).rejects.toMatchObject({ code: 'file_changed' })
    await expect(rows.resolve({ ...options, path: `${path}.gone` }, context)).rejects.toMatchObject({
      code: 'file_not_found',
      message: expect.stringContaining('rows.json.gone'),
    })
  })
})

async function mined(
  dataset: 'the-stack-v2' | 'hpc-instruct' | 'tritonbench-train',
  values: unknown[],
  format = 'parquet',
) {
  const path = join(await temporaryFolder(), `rows.${format}`)
  if (format === 'json') await writeFile(path, JSON.stringify(values))
  else await writeParquet(path, values)
  const options = rows.options.parse({ path, format, dataset })
  const context = await newContext()
  const repository = await rows.open(options, await rows.resolve(options, context), context)
  const found = await mineRepository(repository, {
    source: 'rows',
    include: ['**'],
    exclude: [],
    maxFileBytes: 1_000_000,
    maxFiles: 1000,
    languages: [
      { plugin: triton, options: triton.options.parse({}) },
      { plugin: cuda, options: cuda.options.parse({}) },
    ],
  })
  await repository.close()
  // Nothing of what waited on disk is left.
  expect(await readdir(context.cacheDirectory)).toEqual([])
  return found
}

async function writeParquet(path: string, values: unknown[]): Promise<void> {
  const script = `
import json, sys, pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.Table.from_pylist(json.load(sys.stdin)), sys.argv[1])
`
  const python = join(packageRoot, '.venv/bin/python')
  const result = await runProcess(python, ['-c', script, path], { input: JSON.stringify(values) })
  expect(result.stderr).toBe('')
}

async function newContext() {
  return { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
}
