import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { findPython } from '../validators/python-environment.ts'
import { packPackage, succeed, unpackPackage } from './packed-package.ts'
import type { PackedPackage } from './packed-package.ts'

describe('the lock file', () => {
  const Names = z.record(z.string(), z.string()).default({})
  const Package = z.looseObject({ optionalDependencies: Names, resolved: z.string().optional() })
  const { packages } = z
    .object({ packages: z.record(z.string(), Package) })
    .parse(JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')))

  // npm leaves out those of other platforms when it changes an existing installation; `npm ci` there then lacks them.
  test('lists the optional packages of every platform', () => {
    const listed = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)))
    const named = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies).map((name) => ({ path, name })),
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(({ name }) => !listed.has(name))).toEqual([])
  })
})

describe('the package that npm would publish', () => {
  let packed: PackedPackage
  let user = ''
  beforeAll(async () => {
    packed = await packPackage()
    user = await unpackPackage(packed)
  }, 240_000)
  afterAll(() => rm(packed.folder, { recursive: true, force: true }))

  test('holds what a run needs, and neither tests nor sources that were compiled', () => {
    for (const path of NEEDED) expect(packed.files).toContain(path)
    const strange = packed.files.filter((path) => /^(test|bench|\.ci|\.github|work|node_modules)\//.test(path))
    const sources = packed.files.filter((path) => /(?<!\.d)\.ts$/.test(path) && !path.startsWith('examples/'))
    expect([...strange, ...sources, ...packed.files.filter((path) => path.includes('__pycache__'))]).toEqual([])
  })

  test('has a file behind every path that its package.json names', () => {
    const Manifest = z.object({ bin: z.record(z.string(), z.string()), exports: z.unknown() })
    const folder = join(user, 'node_modules', 'curate')
    const manifest = Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
    const named = [...Object.values(manifest.bin), ...textsIn(manifest.exports)]
    expect(named.length).toBeGreaterThan(1)
    expect(named.filter((path) => !existsSync(join(folder, path)))).toEqual([])
  })

  test('runs in an empty folder: help, plug-ins, mining, pairing and a report', async () => {
    const curate = (...args: string[]): Promise<string> =>
      succeed(process.execPath, [join('node_modules', 'curate', 'pipelines', 'launch.js'), ...args], user)
    expect(await curate('--help')).toContain('quickstart')
    expect(await curate('list')).toContain('test-comparison@')
    // As a user has it who names an interpreter: the worker of the package is what runs there.
    vi.stubEnv('CURATE_PYTHON', (await findPython()).python)
    const flags = ['--recipe', 'quickstart', '--to', 'pair', '--set', 'sources.0.include=[rowwise/**, "tests/**"]']
    expect(await curate(...flags)).toMatch(/^pair +1\/1 .*tasks/m)
    expect(await curate('report')).toMatch(/report\.html$/m)
    expect(existsSync(join(user, 'work', 'quickstart', 'report.html'))).toBe(true)
  }, 120_000)

  test('keeps what Node compiled beside itself, for the next start', async () => {
    const cache = join('node_modules', 'curate', 'node_modules', '.cache', 'curate')
    await succeed(process.execPath, [join('node_modules', 'curate', 'pipelines', 'launch.js'), '--version'], user)
    expect(existsSync(join(user, cache))).toBe(true)
  })
})

const NEEDED = [
  'LICENSE',
  'package.json',
  'pipelines/launch.js',
  'pipelines/recipes/quickstart.yaml',
  'pipelines/recipes/liger-kernel.yaml',
  'pipelines/config/recipe.schema.json',
  'pipelines/report/report.css',
  'pipelines/report/row-browser.js',
  'dist/pipelines/cli/main.js',
  'dist/exports/prompts/write-kernel.js',
  'validators/worker/pyproject.toml',
  'validators/worker/curate_worker/__main__.py',
  'examples/model-outputs.jsonl',
  'examples/rowwise-kernels/tree/rowwise/ops/softmax.py',
]

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
