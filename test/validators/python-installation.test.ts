import { mkdir, rm, writeFile } from 'node:fs/promises'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { runProcess } from '../../pipelines/core/process.ts'
import { installedPackages } from '../../validators/installed-packages.ts'
import { installRequirements, makeEnvironment } from '../../validators/python-installation.ts'
import { readWorkerRequirements } from '../../validators/worker-requirements.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { suiteFolder } from './suite-folder.ts'

// The real venv and the real pip; packages come from a folder of two wheels of ours, so that no network is needed.
const folder = await suiteFolder()
const environment = join(folder, 'environment')
const python = join(environment, 'bin', 'python')
const wheels = join(folder, 'wheels')
const lines: string[] = []
const note = (line: string): void => void lines.push(line)
const TINY = { name: 'curate-tiny', version: '1.0', optional: false }
const ABSENT = { name: 'curate-absent', version: '1.0', optional: true }

beforeAll(async () => {
  vi.stubEnv('PIP_NO_INDEX', '1')
  vi.stubEnv('PIP_FIND_LINKS', wheels)
  await mkdir(wheels)
  const made = await runProcess('python3', ['-c', MAKE_WHEEL, wheels])
  expect(made.ok, made.stderr).toBe(true)
  await makeEnvironment(environment, '3.10', note)
})

describe('the Python environment', () => {
  test('is made once, and found whole afterwards', async () => {
    expect(lines).toHaveLength(1)
    await makeEnvironment(environment, '3.10', note)
    expect(lines).toHaveLength(1)
    expect((await runProcess(python, ['-c', 'import pip'])).ok).toBe(true)
  })

  test('gets what is missing, records what cannot be had, and is then left alone', async () => {
    lines.length = 0
    await installRequirements(environment, python, [TINY, ABSENT], note)
    expect(lines.join('\n')).toContain('installing curate-tiny==1.0')
    expect(lines.join('\n')).toContain('curate-absent==1.0 cannot be installed on this machine')
    const { metadata = '' } = (await installedPackages(python)).get('curate-tiny') ?? {}
    expect(readdirSync(join(metadata, '..', '__pycache__')).join(' ')).toContain('curate_tiny.cpython-')
    const record: unknown = JSON.parse(readFileSync(join(environment, 'curate-environment.json'), 'utf8'))
    expect(record).toMatchObject({
      installed: ['curate-tiny==1.0'],
      skipped: { 'curate-absent==1.0': expect.any(String) },
    })
    lines.length = 0
    await installRequirements(environment, python, [TINY, ABSENT], note)
    expect(lines).toEqual([])
  })

  test('is completed when an installation was killed half-way', async () => {
    await installRequirements(environment, python, [TINY], note)
    const tiny = (await installedPackages(python)).get('curate-tiny')
    await rm(join(tiny?.metadata ?? '', 'RECORD'))
    await rm(join(tiny?.metadata ?? '', '..', 'curate_tiny.py'))
    expect((await installedPackages(python)).get('curate-tiny')?.complete).toBe(false)
    await installRequirements(environment, python, [TINY], note)
    expect((await runProcess(python, ['-c', 'import curate_tiny'])).ok).toBe(true)
  })

  test('is completed when it was killed while being made', async () => {
    const pip = (await installedPackages(python)).get('pip')
    await rm(join(pip?.metadata ?? '', 'RECORD'))
    await makeEnvironment(environment, '3.10', note)
    expect((await installedPackages(python)).get('pip')?.complete).toBe(true)
  })

  test('is not taken from somebody who made it', async () => {
    const foreign = join(await temporaryFolder(), 'venv')
    await mkdir(foreign)
    await writeFile(join(foreign, 'pyvenv.cfg'), 'home = /nowhere\n')
    await expect(makeEnvironment(foreign, '3.10', note)).rejects.toMatchObject({ code: 'python_environment_broken' })
  })
})

describe('an installation that fails', () => {
  test('says that the network is to blame when it is', async () => {
    vi.stubEnv('PIP_NO_INDEX', '0')
    vi.stubEnv('PIP_FIND_LINKS', '')
    vi.stubEnv('PIP_EXTRA_INDEX_URL', '')
    vi.stubEnv('PIP_INDEX_URL', 'http://someone:secret@127.0.0.1:9/simple')
    vi.stubEnv('PIP_RETRIES', '0')
    const wanted = [{ ...ABSENT, optional: false }]
    const failure = installRequirements(environment, python, wanted, note)
    await expect(failure).rejects.toMatchObject({ code: 'no_network', retryable: true })
    await expect(failure).rejects.not.toThrow('secret')
    vi.stubEnv('PIP_NO_INDEX', '1')
    vi.stubEnv('PIP_FIND_LINKS', wheels)
    await expect(installRequirements(environment, python, wanted, note)).rejects.toMatchObject({
      code: 'python_packages',
    })
  })

  test.each([
    ['python_missing', null],
    ['python_too_old', '#!/bin/sh\necho 3.8\n'],
    ['venv_missing', '#!/bin/sh\ncase "$1" in -c) echo 3.12;; *) echo "ensurepip is not available"; exit 1;; esac\n'],
  ])('of the environment itself is named %s', async (code, script) => {
    const bin = await temporaryFolder()
    if (script !== null) await writeFile(join(bin, 'python3'), script, { mode: 0o755 })
    vi.stubEnv('PATH', bin)
    try {
      await expect(makeEnvironment(join(bin, 'made'), '3.10', note)).rejects.toMatchObject({
        name: 'CurateError',
        code,
      })
    } finally {
      vi.unstubAllEnvs()
      vi.stubEnv('PIP_NO_INDEX', '1')
      vi.stubEnv('PIP_FIND_LINKS', wheels)
    }
  })
})

test('versions are read from the worker’s own pyproject.toml', async () => {
  const { required, triton, developer, python: least } = await readWorkerRequirements()
  expect(required.map(({ name }) => name)).toEqual(['torch', 'numpy', 'einops'])
  expect(triton.map(({ name }) => name)).toEqual(['triton'])
  expect(developer.map(({ name }) => name)).toContain('pytest')
  expect(least).toBe('3.10')
})

const MAKE_WHEEL = `
import sys, zipfile
name, version = "curate_tiny", "1.0"
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{sys.argv[1]}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", "value = 1\\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: curate-tiny\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", f"{name}.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
`
