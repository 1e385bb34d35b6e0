import { expect, test } from 'vitest'
import { drawSpeedups } from '../../../pipelines/report/charts.ts'

test('a few candidates are counted in whole ones', () => {
  const candidate = { speedup: 2, reasoning_tokens: null, selected: true, task_name: 'softmax', id: '', task_id: '' }
  const rest = { origin: '', language: '', license: null, repo_name: null, status: '', refused_by: null, texts: null }
  const drawn = drawSpeedups([{ ...candidate, ...rest }])
  expect(drawn).toContain('>1</text>')
  expect(drawn).not.toContain('>0.4</text>')
})
