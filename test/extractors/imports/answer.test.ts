import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseAnswer } from '../../../extractors/imports/answer.ts'

/** Each answer is a Markdown file with what must come of it beside it. */
const folder = join(import.meta.dirname, '../../fixtures/imports/answers')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.md'))
  .map((file) => basename(file, '.md'))

describe('parseAnswer', () => {
  test.each(names)('takes apart the answer `%s`', async (name) => {
    const expected = z.record(z.string(), z.unknown()).parse(parse(read(`${name}.expected.yaml`)))
    expect(await outcome(read(`${name}.md`))).toEqual(expected)
  })

  test('believes a reasoning column before tags in the text', async () => {
    const answer = '<think>tagged</think>\nclass ModelNew:\n    pass\n'
    expect(await outcome(answer, 'from the column')).toMatchObject({ reasoning: 'from the column', language: 'torch' })
    expect(await outcome(answer, '  \n')).toMatchObject({ reasoning: 'tagged' })
  })

  test('reads Windows line ends', async () => {
    const answer = 'Here:\r\n```python\r\nclass ModelNew:\r\n    pass\r\n```\r\n'
    expect(await outcome(answer)).toMatchObject({ code: 'class ModelNew:\n    pass\n' })
  })

  test('names code that no parser can take', async () => {
    const nested = `class ModelNew:\n    x = ${'('.repeat(20_000)}1${')'.repeat(20_000)}\n`
    expect(await outcome(`\`\`\`python\n${nested}\`\`\`\n`)).toMatchObject({ problem: 'unreadable_code' })
    const endless = `class ModelNew:\n${'    x = 1\n'.repeat(200_000)}`
    expect(await outcome(endless)).toMatchObject({ problem: 'unreadable_code' })
  })
})

async function outcome(answer: string, reasoning: string | null = null): Promise<unknown> {
  const parsed = await parseAnswer(answer, reasoning)
  if (parsed.problem !== null) return parsed
  const { code, python } = parsed
  return { reasoning: parsed.reasoning, code, language: python.language, modules: python.modules }
}

function read(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}
