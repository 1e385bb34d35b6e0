import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAnswer } from '../../extractors/imports/answer.ts'
import { NOTHING_ELSE, mapColumns } from '../../extractors/imports/columns.ts'
import { jsonl } from '../../extractors/imports/jsonl.ts'
import { examplesDirectory } from '../../extractors/sources/example-repository.ts'
import { expectedOutcome } from './expected-outcome.ts'

const MAPPING = {
  ...NOTHING_ELSE,
  task: '{task}',
  code: '{code}',
  reasoning: '{reasoning}',
  generator: '{model}',
  language: '{language}',
}
const expected = expectedOutcome('rowwise-kernels')

describe('the model outputs of the example', () => {
  test('are as many as the expected outcome lists, for the tasks it lists', async () => {
    const outputs = await readOutputs()
    const rows = expected.model_outputs.map(({ row, task }) => ({ row, task }))
    expect(outputs.map(({ row, output }) => ({ row, task: output.task }))).toEqual(rows)
    const tasks = new Set(expected.kernels.map(({ task }) => task))
    const unknown = expected.model_outputs.filter(({ reject }) => reject === 'unknown_task')
    const strange = rows.filter(({ task }) => !tasks.has(task)).map(({ row }) => row)
    expect(strange).toEqual(unknown.map(({ row }) => row))
  })

  test('are taken apart, or refused, as expected', async () => {
    const outputs = await readOutputs()
    const outcomes = await Promise.all(
      outputs.map(async ({ row, output }) => {
        const answer = await parseAnswer(output.code ?? '', output.reasoning)
        if (answer.problem !== null) return { row, reject: answer.problem, language: null }
        return { row, reject: null, language: answer.python.language }
      }),
    )
    const known = expected.model_outputs.filter(({ reject }) => reject !== 'unknown_task')
    const listed = known.map(({ row, reject, language }) => ({ row, reject, language }))
    const rows = new Set(listed.map(({ row }) => row))
    expect(outcomes.filter(({ row }) => rows.has(row))).toEqual(listed)
  })

  test('all carry a reasoning, in its own column or in the answer', async () => {
    for (const { row, output } of await readOutputs()) {
      const answer = await parseAnswer(output.code ?? '', output.reasoning)
      if (answer.problem === null) expect(answer.reasoning, `row ${row}`).toMatch(/\w+ \w+/)
      expect(output.generator).toBe('example-writer')
    }
  })
})

async function readOutputs() {
  const path = join(examplesDirectory, 'model-outputs.jsonl')
  const rows = await Array.fromAsync(jsonl.read(path, jsonl.options.parse({}), []))
  return rows.flatMap((row) => {
    const mapped = 'value' in row ? mapColumns(row.value, MAPPING, row.row) : null
    return mapped === null || mapped.row === null ? [] : [{ row: row.row, output: mapped.row }]
  })
}
