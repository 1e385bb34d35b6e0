import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseAnswer } from '../../../extractors/imports/answer.ts'
import { parseNativeAnswer } from '../../../extractors/imports/native-answer.ts'

/** Each answer is a Markdown file with what must come of it beside it. */
const folder = join(import.meta.dirname, '../../fixtures/imports')
const names = answersIn('answers')

describe('parseAnswer', () => {
  test.each(names)('takes apart the answer `%s`', async (name) => {
    const { answer, expected } = read(`answers/${name}`)
    expect(await outcome(answer)).toEqual(expected)
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

describe('parseNativeAnswer', () => {
  test.each(answersIn('native-answers'))('takes apart the answer `%s`', async (name) => {
    const { answer, expected } = read(`native-answers/${name}`)
    const { problem, ...parsed } = await parseNativeAnswer(answer, null)
    expect(problem === null ? parsed : { problem, ...parsed }).toEqual(expected)
  })

  test('names code that no parser can take', async () => {
    const nested = `extern "C" int run() { return ${'('.repeat(20_000)}1${')'.repeat(20_000)}; }`
    expect(await parseNativeAnswer(`\`\`\`cpp\n${nested}\n\`\`\`\n`, null)).toMatchObject({
      problem: 'unreadable_code',
    })
    expect(await parseNativeAnswer('int x;\n'.repeat(200_000), null)).toMatchObject({ problem: 'unreadable_code' })
  })
})

async function outcome(answer: string, reasoning: string | null = null): Promise<unknown> {
  const parsed = await parseAnswer(answer, reasoning)
  if (parsed.problem !== null) return parsed
  const { code, python } = parsed
  return { reasoning: parsed.reasoning, code, language: python.language, modules: python.modules }
}

function answersIn(kind: string): string[] {
  const files = readdirSync(join(folder, kind))
  return files.filter((file) => file.endsWith('.md')).map((file) => basename(file, '.md'))
}

function read(name: string): { answer: string; expected: Record<string, unknown> } {
  const text = (end: string): string => readFileSync(join(folder, `${name}.${end}`), 'utf8')
  const expected = z.record(z.string(), z.unknown()).parse(parse(text('expected.yaml')))
  return { answer: text('md'), expected }
}
