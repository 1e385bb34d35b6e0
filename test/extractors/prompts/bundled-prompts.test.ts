import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { prompts } from '../../../extractors/prompts/bundled-prompts.ts'
import { firstMessages, kernelPrompts } from '../../../extractors/prompts/kernel-prompt.ts'
import { parsePrompt } from '../../../extractors/prompts/prompt-file.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import type { Validator } from '../../../validators/types.ts'
import { openValidator } from '../../../validators/validator.ts'
import { aCandidate, aTask } from '../../records.ts'

const EXAMPLES = join(packageRoot, 'extractors', 'prompts', 'examples')

describe('the bundled prompts', () => {
  test('have another version wherever a word of them changed', () => {
    const known = z
      .record(z.string(), z.string())
      .parse(JSON.parse(readFileSync(join(packageRoot, 'test', 'fixtures', 'prompts', 'versions.json'), 'utf8')))
    // A change belongs into a new version, and its line into the fixture: rows name prompts by version.
    const now = [...prompts.values()].map(({ id, version, sha256 }) => [`${id}@${version}`, sha256])
    expect(known).toMatchObject(Object.fromEntries(now))
  })

  test.each(kernelPrompts())('%s is filled to the last place', (name) => {
    const prompt = prompts.get(name)
    if (prompt === undefined) throw new Error(name)
    const attempt = name.startsWith('repair-') ? { code: 'CODE', feedback: 'FEEDBACK' } : null
    const text = firstMessages(prompt, { reference: 'REFERENCE {{code}} $& $1', attempt })
      .map(({ content }) => content)
      .join('\n')
    expect(text).toContain('REFERENCE {{code}} $& $1')
    expect(text.replace('{{code}}', '')).not.toMatch(/\{\{|\}\}/)
    if (attempt !== null) expect(text).toMatch(/CODE[\s\S]*FEEDBACK/)
  })
})

describe('the examples in prompts', () => {
  const cases = readdirSync(EXAMPLES).flatMap((name) =>
    readdirSync(join(EXAMPLES, name))
      .filter((file) => file !== 'reference.py')
      .map((file) => [name, file.replace('.py', '')] as const),
  )
  // One judge for all of them.
  const opened = openExampleValidator()
  afterAll(async () => (await opened).close())

  test.each(cases)(
    '%s in %s is right',
    async (name, language) => {
      const read = (file: string): string => readFileSync(join(EXAMPLES, name, `${file}.py`), 'utf8')
      const task = aTask({ name, reference: read('reference') })
      const candidate = aCandidate(task, { language, sources: [{ path: 'kernel.py', content: read(language) }] })
      const [evaluation] = await (await opened).evaluate({ task, candidate })
      // Without a GPU, CUDA is only compiled.
      expect(evaluation).toMatchObject(
        evaluation?.status === 'NOT_RUN' && language === 'cuda'
          ? { build: { compiler: expect.stringContaining('nvcc') } }
          : { status: 'PASSED' },
      )
    },
    COMPILATION_MS,
  )
})

describe('a prompt of somebody else', () => {
  test.each([
    ['no head', 'Make it fast.', /not a prompt/],
    ['no version', '---\nid: mine\n---\n', /version/],
    ['an unknown setting', '---\nid: mine\nversion: 1\nmodel: x\n---\n', /model/],
    [
      'an example that is not there',
      '---\nid: mine\nversion: 1\nlanguage: triton\nexamples: [nothing]\n---\n',
      /no example nothing/,
    ],
    ['an example outside the folder', '---\nid: mine\nversion: 1\nexamples: ["../x"]\n---\n', /not a prompt/],
    ['YAML that is none', '---\n{{\n---\n', /not a prompt/],
  ])('with %s is refused with its name', (_, text, problem) => {
    expect(() => parsePrompt(text, 'mine.md')).toThrow(problem)
    expect(() => parsePrompt(text, 'mine.md')).toThrow('mine.md')
  })
})

const COMPILATION_MS = 240_000

async function openExampleValidator(): Promise<Validator> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'curate-test-'))
  const settings = { mode: 'screen', calls: 2, max_workloads: 1, timeout_s: 60, timing_s: 1 } as const
  const limits = {
    build_timeout_s: 300,
    memory_bytes: 8e9,
    own_kernel: 'require',
    precision: 'strict',
    seed: 0,
  } as const
  const options = { workers: 1, cacheFolder, signal: new AbortController().signal }
  const validator = await openValidator({ ...settings, ...limits }, options)
  return {
    ...validator,
    async close() {
      await validator.close()
      await rm(cacheFolder, { recursive: true, force: true })
    },
  }
}
