import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { prompts } from '../../../extractors/prompts/bundled-prompts.ts'
import { firstMessages, kernelPrompts } from '../../../extractors/prompts/kernel-prompt.ts'
import { parsePrompt } from '../../../extractors/prompts/prompt-file.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'

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
