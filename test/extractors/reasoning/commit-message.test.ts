import { describe, expect, test } from 'vitest'
import { commitMessage } from '../../../extractors/reasoning/commit-message.ts'
import { example } from '../../../extractors/sources/example.ts'
import type { Commit, Repository } from '../../../extractors/types.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import type { Provenance } from '../../../pipelines/core/records/provenance.ts'
import { countTokens } from '../../../pipelines/core/tokenizer.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const DEFAULTS = commitMessage.options.parse({})

const EXPLANATION = [
  'The tile in shared memory lies in one bank, so all lanes queue for it because the stride is the number of banks.',
  'Padding avoids the conflict without a second barrier, and the loads stay coalesced.',
].join('\n')

describe('commit-message on the example', () => {
  test('passes over later commits that explain nothing', async () => {
    const found = await reasoningFor('rowwise/ops/softmax.py', '_softmax_kernel')
    expect(found?.text).toMatch(
      /^softmax: keep the row in registers instead of reading it three times\n\nThe kernel made/,
    )
    expect(found?.text).not.toMatch(/#7|Signed-off-by|example\.invalid/)
    expect(found).toMatchObject({ kind: 'human', tokenizer: 'o200k_base' })
    expect(found?.num_tokens).toBe(await countTokens(found?.text ?? ''))
  })

  test('takes the newest explanation of several', async () => {
    expect((await reasoningFor('rowwise/csrc/cuda/transpose.cu', 'transpose_kernel'))?.text).toMatch(
      /^transpose: pad the tile .*see \[link\] for a picture of the banks\.$/is,
    )
  })

  test('finds none where nobody explained anything', async () => {
    expect(await reasoningFor('rowwise/ops/standardize.py', '_standardize_kernel')).toBeNull()
  })
})

describe('commit-message', () => {
  test.each([
    ['a program signed', { body: `${EXPLANATION}\n\nCo-authored-by: Copilot <1+Copilot@example.invalid>` }],
    ['a program wrote', { body: `${EXPLANATION}\nThis message was generated from the diff.` }],
    ['reverts another', { subject: 'Revert "Pad the tile"' }],
    ['merges a branch', { subject: 'Merge branch padding' }],
    ['is short', { body: 'Avoids bank conflicts, so that it is faster.' }],
    ['is a log', { body: `${EXPLANATION}\n${'<!--[](https://a@'.repeat(100_000)}` }],
    ['names no reason', { body: EXPLANATION.replaceAll(/so |because|avoids|conflict|without/gi, 'and ') }],
    [
      'is long but says nothing of a mechanism',
      { body: 'Renames things, because otherwise nobody finds them. '.repeat(9) },
    ],
  ])('passes over a message that %s', async (_, change) => {
    expect(await reasoningOf([commit({}), commit(change)].toReversed())).toBe(`Pad the tile\n\n${EXPLANATION}`)
    expect(await reasoningOf([commit(change)])).toBeNull()
  })

  test('does not take an address in the domain .ai for a program', async () => {
    const body = `${EXPLANATION}\n\nCo-authored-by: someone <someone@lab.ai>`
    expect(await reasoningOf([commit({ body })])).toBe(`Pad the tile\n\n${EXPLANATION}`)
  })

  test('counts in the encoding that is asked for and looks at no more commits than that', async () => {
    const options = commitMessage.options.parse({ tokenizer: 'r50k_base', max_commits: 2 })
    const repository = repositoryWith([commit({ body: '' }), commit({ body: '' }), commit({})])
    expect(await commitMessage.findReasoning(PLACE, repository, options)).toBeNull()
    const found = await commitMessage.findReasoning(PLACE, repositoryWith([commit({})]), options)
    expect(found).toMatchObject({
      tokenizer: 'r50k_base',
      num_tokens: await countTokens(found?.text ?? '', 'r50k_base'),
    })
  })

  test('finds nothing without a history', async () => {
    expect(await reasoningOf([])).toBeNull()
  })
})

const PLACE: Provenance = {
  repo_name: 'owner/name',
  repo_url: 'https://example.invalid/owner/name',
  commit_sha: '0'.repeat(40),
  path: 'kernel.cu',
  start_line: 3,
  end_line: 9,
  license: null,
  license_evidence: null,
}

function commit(change: Partial<Commit>): Commit {
  const authored_at = '2025-01-06T10:00:00+00:00'
  return { commit_sha: '1'.repeat(40), authored_at, subject: 'Pad the tile', body: EXPLANATION, ...change }
}

// The messages decide here, so they are given; the tests above read them from a real repository.
function repositoryWith(commits: readonly Commit[]): Repository {
  return {
    name: 'owner/name',
    url: '',
    commitSha: '',
    listFiles: () => Promise.resolve([]),
    async *readFiles() {},
    history: (_path, _start, _end, limit) => Promise.resolve(commits.slice(0, limit)),
    close: () => Promise.resolve(),
  }
}

async function reasoningOf(commits: readonly Commit[]): Promise<string | null> {
  return (await commitMessage.findReasoning(PLACE, repositoryWith(commits), DEFAULTS))?.text ?? null
}

async function reasoningFor(path: string, symbol: string) {
  const context = { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
  const name = 'rowwise-kernels'
  const commit_sha = await example.resolve({ name }, context)
  const repository = await example.open({ name }, commit_sha, context)
  const [file] = await Array.fromAsync(repository.readFiles([path]))
  const lines = file?.content?.toString().split('\n') ?? []
  const start_line = lines.findIndex((line) => new RegExp(`\\b${symbol}\\(`).test(line)) + 1
  const end_line = start_line + lines.slice(start_line).findIndex((line) => /^(?:\}|$)/.test(line))
  return commitMessage.findReasoning({ ...PLACE, path, start_line, end_line, commit_sha }, repository, DEFAULTS)
}
