import { expect, test } from 'vitest'
import { announcements } from '../../validators/announcements.ts'
import { CONTROL } from '../../validators/control.ts'

const TRITON = 'import triton'
const CUDA = 'from torch.utils.cpp_extension import load_inline'

function aQuestion(id: string, content: string) {
  const candidate = { ...CONTROL.candidate, sources: [{ path: 'candidate.py', content: `${content} # ${id}` }] }
  return { ...CONTROL, task: { ...CONTROL.task, id }, candidate }
}

test('what is asked already is not rehearsed, nor what other judges are asked in a moment', () => {
  const questions = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => aQuestion(id, TRITON))
  const announced = announcements(3)
  announced.add(questions)
  const beside = questions.map((question) =>
    announced.beside({ type: 'evaluate', ...question }, 1).map(({ task }) => task.id),
  )
  expect(beside).toEqual([['d'], ['e'], ['f'], [], [], []])
})

test('builds are announced in their order, beside as many rehearsals', () => {
  const builds = ['a', 'b', 'c'].map((id) => aQuestion(id, CUDA))
  const rehearsals = ['d', 'e', 'f'].map((id) => aQuestion(id, TRITON))
  const announced = announcements(1)
  announced.add([...builds, aQuestion('neither', 'import torch'), ...rehearsals])
  const first = announced.beside({ type: 'evaluate', ...aQuestion('d', TRITON) }, 2)
  const second = announced.beside({ type: 'evaluate', ...aQuestion('a', CUDA) }, 2)
  expect([first, second].map((all) => all.map(({ task }) => task.id))).toEqual([['a', 'b', 'e', 'f'], ['c']])
})
