import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

// One test file a case, put into the small library of the refusals: its reference is found and cannot be cut out, or is none.
const FIXTURES = join(import.meta.dirname, '../../fixtures/pairing')

const Reference = z.strictObject({
  path: z.string(),
  symbol: z.string().nullable(),
  line: z.number(),
  expression: z.string(),
})
const Expected = z.record(z.string(), z.strictObject({ reason: z.string(), reference: Reference.nullable() }))
const expected = Expected.parse(parse(await readFile(join(FIXTURES, 'references/expected.yaml'), 'utf8')))

test.each(Object.entries(expected))(
  'a reference that cannot be cut out is told where it stands: %s',
  async (name, wanted) => {
    const content = await readFile(join(FIXTURES, 'references/cases', `${name}.py`))
    const repository = await folderRepository(join(FIXTURES, 'refusals/repository'), { 'test_case.py': content })
    const { pairs, unpaired } = await pairFixture(repository)
    expect(pairs).toEqual([])
    const [kernel] = unpaired
    expect({ reason: kernel?.reason, reference: kernel?.evidence?.reference ?? null }).toEqual(wanted)
  },
)
