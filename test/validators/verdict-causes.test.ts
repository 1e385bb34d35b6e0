import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../pipelines/core/package-root.ts'

// A verdict is written with its status, stage and cause in the text of the judge; what a compiler or a table of messages says is not.
const VERDICT = /Verdict\(\s*"([A-Z_]+)", "[a-z]+", "([A-Z_]+)"/g

test('every cause that a verdict is written with stands beside its status in the manual', () => {
  const judge = join(packageRoot, 'validators', 'worker', 'curate_worker', 'judge')
  const files = readdirSync(judge, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.py'))
  const written = files.flatMap((name) => [...readFileSync(join(judge, name), 'utf8').matchAll(VERDICT)])
  expect(written.length).toBeGreaterThan(30)
  const manual = readFileSync(join(packageRoot, 'docs', 'validation.md'), 'utf8')
  const rows = new Map(
    [...manual.matchAll(/^\| `([A-Z_]+)` *\|(.*)\|$/gm)].map(([, status, causes]) => [status, causes]),
  )
  const missing = written.filter(([, status, cause]) => rows.get(status)?.includes(`\`${cause}\``) !== true)
  expect([...new Set(missing.map(([, status, cause]) => `${status} ${cause}`))]).toEqual([])
})
