import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { describeDevice, hashOfWorker } from '../../validators/device.ts'
import { diagnoseValidation } from '../../validators/diagnosis.ts'
import { installedPackages } from '../../validators/installed-packages.ts'
import { findPython, preparePython } from '../../validators/python-environment.ts'
import { temporaryFolder } from '../temporary-folder.ts'

afterEach(() => vi.unstubAllEnvs())

describe('the interpreter', () => {
  test('is the one that CURATE_PYTHON names, by path or by name', async () => {
    const { python } = await findPython()
    const folder = await temporaryFolder()
    await symlink(python, join(folder, 'mypython'))
    vi.stubEnv('CURATE_PYTHON', join(folder, 'mypython'))
    expect(await findPython()).toEqual({ python: join(folder, 'mypython'), origin: 'CURATE_PYTHON' })
    vi.stubEnv('CURATE_PYTHON', 'mypython')
    vi.stubEnv('PATH', folder)
    expect(await findPython()).toEqual({ python: join(folder, 'mypython'), origin: 'CURATE_PYTHON' })
  })

  test('must be a program', async () => {
    vi.stubEnv('CURATE_PYTHON', '/nonexistent/python')
    await expect(findPython()).rejects.toMatchObject({ code: 'python_missing' })
    await expect(preparePython({ developer: false, onProgress: () => {} })).rejects.toMatchObject({
      code: 'python_missing',
    })
  })

  test('must have PyTorch', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin', 'python'), '#!/bin/sh\n', { mode: 0o755 })
    await writeFile(join(folder, 'pyvenv.cfg'), 'include-system-site-packages = false\n')
    vi.stubEnv('CURATE_PYTHON', join(folder, 'bin', 'python'))
    await expect(preparePython({ developer: false, onProgress: () => {} })).rejects.toMatchObject({
      code: 'torch_missing',
    })
  })

  test('needs nothing when all is there', async () => {
    const lines: string[] = []
    await preparePython({ developer: false, onProgress: (line) => lines.push(line) })
    expect(lines).toEqual([])
  })

  test('has the bytecode of the worker beside its sources', async () => {
    const folder = join(packageRoot, 'validators', 'worker', 'curate_worker', '__pycache__')
    const bytecode = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith('chain.'))
    await mkdir(folder, { recursive: true })
    for (const name of await bytecode()) await rm(join(folder, name))
    await preparePython({ developer: false, onProgress: () => {} })
    expect(await bytecode()).toHaveLength(1)
  })
})

describe('the device', () => {
  test('is described by what verdicts depend on, without starting a program', async () => {
    const before = await describeDevice()
    const { python } = await findPython()
    const torch = (await installedPackages(python)).get('torch')?.version ?? ''
    expect(before).toContain(`python=${python} torch=${torch} `)
    expect(before).toContain(`worker=${(await hashOfWorker()).slice(0, 16)}`)
    expect(await describeDevice()).toBe(before)
    vi.stubEnv('PATH', '')
    expect(await describeDevice()).not.toBe(before)
  })

  test('is described even where there is no interpreter', async () => {
    vi.stubEnv('CURATE_PYTHON', '/nonexistent/python')
    expect(await describeDevice()).toContain('python=none torch=none')
  })
})

describe('the diagnosis', () => {
  test('names every tool and every layer of the sandbox, and a remedy for each that is missing', async () => {
    const findings = await diagnoseValidation()
    const names = findings.map(({ name }) => name)
    for (const name of ['Python worker', 'PyTorch', 'Triton', 'C++ compiler', 'CUDA compiler', 'GPU', 'fork server']) {
      expect(names).toContain(name)
    }
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => name.startsWith('sandbox: ')).length).toBeGreaterThan(10)
    expect(findings.filter(({ ok, remedy }) => ok !== (remedy === ''))).toEqual([])
    expect(findings.find(({ name }) => name === 'PyTorch')?.ok).toBe(true)
  })

  test('says what to do where there is no interpreter', async () => {
    vi.stubEnv('CURATE_PYTHON', '/nonexistent/python')
    expect(await diagnoseValidation()).toEqual([
      { name: 'Python worker', ok: false, found: expect.stringContaining('/nonexistent'), remedy: expect.any(String) },
    ])
  })
})
