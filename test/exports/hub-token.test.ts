import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeHub, findHubToken } from '../../exports/hub-token.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'curate-token-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

describe('findHubToken', () => {
  it('prefers the environment, in the order of the Hub’s own programs', async () => {
    await writeFile(join(home, 'token'), 'hf_file')
    const environment = { HF_HOME: home, HF_TOKEN: ' hf_first\n', HUGGING_FACE_HUB_TOKEN: 'hf_second' }
    expect(await findHubToken(environment)).toEqual({ token: 'hf_first', origin: 'HF_TOKEN' })
    expect(await findHubToken({ ...environment, HF_TOKEN: '' })).toEqual({
      token: 'hf_second',
      origin: 'HUGGING_FACE_HUB_TOKEN',
    })
    expect(await findHubToken({ HF_HOME: home })).toEqual({ token: 'hf_file', origin: join(home, 'token') })
  })

  it('finds the file where the Hub’s own settings put it', async () => {
    await mkdir(join(home, 'huggingface'))
    await writeFile(join(home, 'huggingface/token'), 'hf_cache\n')
    await writeFile(join(home, 'elsewhere'), 'hf_path\n')
    expect((await findHubToken({ XDG_CACHE_HOME: home }))?.token).toBe('hf_cache')
    expect((await findHubToken({ XDG_CACHE_HOME: home, HF_TOKEN_PATH: join(home, 'elsewhere') }))?.token).toBe(
      'hf_path',
    )
  })

  it('finds none where there is none', async () => {
    expect(await findHubToken({ HF_HOME: home })).toBeNull()
    expect(await describeHub({ HF_HOME: home })).toEqual({ hasToken: false, endpoint: null })
  })

  it('names the place of a malformed token and not the token', async () => {
    const environment = { HF_TOKEN: 'my secret password' }
    const failure: unknown = await findHubToken(environment).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'hub_token_malformed', message: expect.stringContaining('HF_TOKEN') })
    expect(String(failure)).not.toContain('secret')
    expect(await describeHub({ ...environment, HF_ENDPOINT: 'https://hub.example.org' })).toEqual({
      hasToken: true,
      endpoint: 'https://hub.example.org',
    })
  })
})
