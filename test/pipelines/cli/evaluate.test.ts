import { writeFile } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { listGpus } from '../../../validators/gpu-list.ts'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { suiteFolder } from '../../validators/suite-folder.ts'

// The real command line; pairs are fixtures of the validator.
const KERNELS = join(packageRoot, 'test', 'fixtures', 'kernels')
// Builds go there and not into the user's cache.
const CACHE = { XDG_CACHE_HOME: await suiteFolder() }
const hasGpu = (await listGpus()).length > 0

describe('curate evaluate', () => {
  test('accepts what is right, with what that rests on', async () => {
    const { exitCode, stdout, stderr } = await evaluate('correct_relu_torch')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^accepted\n {2}PASSED on /)
    expect(stdout).toContain('12 calls with fresh inputs')
    expect(stdout).toMatch(/seed \d+\n$/)
  })

  test('refuses what is wrong, a library without PyTorch here, and gives the same verdict for the same seed', async () => {
    const [first, again] = [await judged('wrong_tail_native', '77'), await judged('wrong_tail_native', '77')]
    expect(first).toMatchObject({
      exitCode: 1,
      outcome: 'refused',
      seed: 77,
      evaluations: [{ status: 'INCORRECT_NUMERICAL', blame: 'candidate' }],
    })
    expect(again).toEqual(first)
  })

  test.each(['broken_task_exception', ...(hasGpu ? [] : ['correct_double_cuda'])])(
    'says that it could not judge %s',
    async (name) => {
      expect(await judged(name)).toMatchObject({ exitCode: 2, outcome: 'not_judged' })
    },
  )

  test('says what to do when it cannot begin', async () => {
    const missing = await curate(['evaluate', '--reference', 'absent.py', '--candidate', 'absent.py'])
    expect(missing.exitCode).toBe(2)
    expect(missing.stderr).toMatch(/absent\.py cannot be read.*\n {2}next: /)
    for (const flags of [
      ['--reference', 'a.py'],
      ['--candidates', 'a.jsonl', '--reference', 'a.py'],
      ['--seed', '-1'],
    ])
      expect((await curate(['evaluate', ...flags])).exitCode).toBe(2)
    const without = await evaluate('correct_relu_torch', [], { CURATE_PYTHON: '/nonexistent/python' })
    expect(without.exitCode).toBe(2)
    expect(without.stderr).toContain('error python_missing')
  })

  test('knows what a file is by its name, and says so before anything else', async () => {
    const said = async (reference: string, candidate: string) => {
      const files = ['--reference', reference, '--candidate', candidate]
      const [evaluated, converted] = [
        await curate(['evaluate', ...files]),
        await curate(['convert', ...files, '--out', await temporaryFolder()]),
      ]
      expect(evaluated).toMatchObject({ exitCode: 2, stdout: '' })
      expect(converted).toEqual(evaluated)
      return evaluated.stderr
    }
    expect(await said('absent.py', 'notes.txt')).toMatch(
      /^error usage: notes\.txt is no candidate .*\n {2}next: .*\.cu/,
    )
    expect(await said('ref.cu', 'cand.py')).toMatch(/^error usage: ref\.cu is no reference .*\n {2}next: .*\.py/)
  })

  test('accepts nothing where no candidates can be read, or there are none', async () => {
    const empty = join(await temporaryFolder(), 'empty.jsonl')
    await writeFile(empty, '')
    const said = async (candidates: string) => {
      const run = await curate(['evaluate', '--reference-dir', KERNELS, '--candidates', candidates], CACHE)
      expect(run.exitCode).toBe(2)
      return run.stderr
    }
    expect(await said('absent.jsonl')).toMatch(/^error usage: absent\.jsonl cannot be read.*\n {2}next: .*JSON lines/)
    expect(await said(KERNELS)).toContain('it is no file')
    expect(await said(empty)).toContain('0 candidates')
  })

  test('judges a file of candidates in its order, and no line stops the others', async () => {
    const candidates = join(await temporaryFolder(), 'candidates.jsonl')
    const lines = [
      JSON.stringify({ id: 'right', task: 'correct_relu_torch/task.py', code: codeOf('correct_relu_torch') }),
      'not JSON',
      JSON.stringify({ id: 'elsewhere', task: '../../../package.json', code: '' }),
      JSON.stringify({ task: 'wrong_value_torch/task', code: codeOf('wrong_value_torch') }),
      JSON.stringify({ id: 4, task: 'wrong_value_torch/task' }),
    ]
    await writeFile(candidates, `${lines.join('\n')}\n`)
    const flags = ['--reference-dir', KERNELS, '--candidates', candidates, '--mode', 'screen', '--json']
    const { exitCode, stdout, stderr } = await curate(['evaluate', ...flags], CACHE)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('5 candidates: 1 accepted, 1 refused, 3 not judged')
    const results = stdout.trim().split('\n')
    expect(results.map((line) => JSON.parse(line))).toMatchObject([
      {
        id: 'right',
        outcome: 'accepted',
        evaluations: [{ status: 'PASSED', performance: null }],
        seconds: { candidate_call: expect.any(Number) },
      },
      { id: 'line 2', outcome: 'not_judged', reason: expect.stringContaining('JSON') },
      { id: 'elsewhere', outcome: 'not_judged', reason: expect.stringContaining('no reference') },
      { id: 'line 4', outcome: 'refused' },
      { id: 'line 5', outcome: 'not_judged', reason: expect.stringContaining('code') },
    ])
  })
})

function evaluate(name: string, flags: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
  const files = ['--reference', join(KERNELS, name, 'task.py'), '--candidate', candidateOf(name)]
  return curate(['evaluate', ...files, ...flags], { ...CACHE, ...environment })
}

function candidateOf(name: string): string {
  const files = ['candidate.py', 'candidate.cpp'].map((file) => join(KERNELS, name, file))
  return files.find((file) => existsSync(file)) ?? ''
}

async function judged(name: string, seed = '1') {
  const { exitCode, stdout, stderr } = await evaluate(name, ['--json', '--mode', 'screen', '--seed', seed])
  expect(stderr).toBe('')
  return { exitCode, ...z.looseObject({}).parse(JSON.parse(stdout)) }
}

function codeOf(name: string): string {
  return readFileSync(join(KERNELS, name, 'candidate.py'), 'utf8')
}
