import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { TestContext } from 'vitest'
import { runProcess } from '../../pipelines/core/process.ts'
import { findPython } from '../../validators/python-environment.ts'
import { openValidator } from '../../validators/validator.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { kernelFixtures } from './kernel-fixtures.ts'

// What can be wrong with a machine, made wrong for real: interpreters that are scripts, and a file system without room.
const { python } = await findPython()
afterEach(() => vi.unstubAllEnvs())

describe('an interpreter', () => {
  test('without PyTorch is named, with what to do', async () => {
    // -S leaves out the folder of installed packages.
    await namePython(`exec ${python} -S "$@"`)
    await expect(judge('correct_relu_torch')).rejects.toMatchObject({
      code: 'torch_missing',
      message: expect.stringContaining("No module named 'torch'"),
      hint: expect.stringContaining('pip install torch'),
      retryable: false,
    })
  })

  test.each([
    ['says one line without end', 'exec cat /dev/zero >&4'],
    ['floods the judge’s descriptor with lines', 'exec yes "{}" >&4'],
    ['prints without end and ends', 'yes | head -c 200000000; exit 3'],
    ['ends at once', 'echo "no such library" >&2; exit 1'],
  ])('that %s is no judge', async (_, script) => {
    await namePython(script)
    await expect(judge('correct_relu_torch')).rejects.toMatchObject({
      code: 'worker_unusable',
      message: expect.stringContaining('could not start'),
      hint: expect.stringContaining('curate doctor'),
    })
  })
})

describe('a disk without room', () => {
  test('for scratch files changes no verdict: every process writes into memory of its own', async (context) => {
    await withFullDisk(context, async (folder) => {
      vi.stubEnv('TMPDIR', folder)
      expect((await judge('correct_relu_torch')).map(({ status }) => status)).toEqual(['PASSED'])
    })
  })

  test('for builds is the machine’s failure and not the candidate’s', async (context) => {
    await withFullDisk(context, async (folder) => {
      await expect(judge('correct_histogram_cpp', folder)).rejects.toMatchObject(DISK_FULL)
      await rm(join(folder, 'ballast'))
      expect((await judge('correct_histogram_cpp', folder)).map(({ status }) => status)).toEqual(['PASSED'])
    })
  })
})

const DISK_FULL = { code: 'disk_full', hint: expect.stringContaining('Free some disk space'), retryable: true }

async function namePython(script: string): Promise<void> {
  const path = join(await temporaryFolder(), 'python')
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  vi.stubEnv('CURATE_PYTHON', path)
}

async function judge(name: string, cacheFolder = '/nonexistent') {
  const fixture = kernelFixtures().find((known) => known.name === name)
  if (fixture === undefined) throw new TypeError(`there is no fixture ${name}`)
  const limits = { timeout_s: 20, timing_s: 1, build_timeout_s: 120, memory_bytes: 2e9 }
  const settings = {
    mode: 'screen',
    calls: 1,
    max_workloads: 1,
    seed: 0,
    own_kernel: 'report',
    library_calls: 'allow',
    static_tags: 'report',
    backward: 'report',
    precision: 'strict',
    baselines: [],
    sanitizer_share: 0,
    ...limits,
  } as const
  const validator = await openValidator(settings, { workers: 1, cacheFolder, signal: new AbortController().signal })
  try {
    return await validator.evaluate(fixture.request)
  } finally {
    await validator.close()
  }
}

async function withFullDisk(context: TestContext, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder()
  const mounted = await runProcess('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=1777', 'tmpfs', folder])
  if (!mounted.ok) context.skip(`no file system can be mounted here: ${mounted.stderr}`)
  try {
    await mkdir(join(folder, 'builds'))
    await runProcess('dd', ['if=/dev/zero', `of=${join(folder, 'ballast')}`, 'bs=1k'])
    await use(folder)
  } finally {
    await runProcess('umount', ['-l', folder])
  }
}
