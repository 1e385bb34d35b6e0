import { describe, expect, it } from 'vitest'
import { license } from '../../filters/license.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { aCandidate, aTask } from '../records.ts'
import { subjectOf } from './selecting.ts'

function decide(fields: { task?: Partial<Task>; candidate?: Partial<Candidate> }, options: unknown = {}) {
  const task = aTask(fields.task)
  return license.decide(
    subjectOf({ task, candidate: aCandidate(task, fields.candidate), evaluations: [] }),
    license.options.parse(options),
  )
}

function decideExpression(expression: string | null, options: unknown = {}) {
  return decide({ candidate: { license: expression, pieces: [] } }, options)
}

describe('the filter license', () => {
  it.each([
    'MIT',
    'apache-2.0',
    'MIT AND BSD-3-Clause',
    'GPL-3.0-only OR MIT',
    'MIT AND (GPL-2.0-only OR Apache-2.0)',
    'Apache-2.0 WITH LLVM-exception',
  ])('keeps %s', (expression) => {
    expect(decideExpression(expression)).toEqual({
      keep: true,
      score: null,
      threshold: null,
      reason: null,
      detail: null,
      parts: [],
    })
  })

  it.each([
    'GPL-3.0-only',
    'MIT AND GPL-3.0-or-later',
    '(MIT OR Apache-2.0) AND CC-BY-NC-4.0',
    'GPL-3.0-only WITH GCC-exception-3.1',
    'LicenseRef-Proprietary',
  ])('refuses %s', (expression) => {
    expect(decideExpression(expression)).toMatchObject({ keep: false, reason: 'license_not_allowed' })
  })

  it.each(['', 'Free as in beer', 'MIT AND', 'MIT OR (Apache-2.0', '('.repeat(50_000)])(
    'refuses what is no licence expression: %.20s',
    (expression) => {
      const verdict = decideExpression(expression)
      expect(verdict).toMatchObject({ keep: false, reason: 'unreadable_license' })
      expect(verdict.detail?.length).toBeLessThan(1000)
    },
  )

  it('refuses text that nothing licenses, unless the recipe allows it', () => {
    expect(decideExpression(null).reason).toBe('no_license')
    expect(decideExpression(null, { allow_missing: true }).keep).toBe(true)
  })

  it('looks at every piece of the implementation', () => {
    const piece = { path: 'a.py', start_line: 1, end_line: 2 }
    const pieces = [
      { ...piece, license: 'MIT' },
      { ...piece, path: 'vendored.py', license: 'GPL-2.0-only' },
    ]
    expect(decide({ candidate: { pieces } })).toMatchObject({
      reason: 'license_not_allowed',
      detail: 'vendored.py: GPL-2.0-only',
    })
    expect(decide({ candidate: { pieces: [{ ...piece, license: null }] } }).reason).toBe('no_license')
  })

  it('looks at the reference, which is passed on with the implementation', () => {
    expect(decide({ task: { license: 'AGPL-3.0-only' } }).reason).toBe('license_not_allowed')
    expect(decide({ task: { license: null } }).reason).toBe('no_license')
  })

  it('asks no licence of a model’s own words, but of the reference it answers', () => {
    const candidate: Partial<Candidate> = { origin: 'generated', license: null, pieces: [] }
    expect(decide({ candidate }).keep).toBe(true)
    expect(decide({ candidate, task: { license: 'GPL-3.0-only' } }).keep).toBe(false)
    expect(decide({ candidate: { ...candidate, origin: 'imported' } }).reason).toBe('no_license')
  })

  it('takes the list of the recipe instead of its own', () => {
    expect(decideExpression('GPL-3.0-only', { allow: ['GPL-3.0-only', 'MIT'] }).keep).toBe(true)
    expect(decide({}, { allow: ['Apache-2.0'] }).keep).toBe(false)
    const options = { allow: ['MIT', 'GPL-3.0-only WITH GCC-exception-3.1'] }
    expect(decideExpression('GPL-3.0-only WITH GCC-exception-3.1', options).keep).toBe(true)
    expect(decideExpression('GPL-3.0-only', options).keep).toBe(false)
  })
})
