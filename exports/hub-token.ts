import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CurateError, systemCodeOf } from '../pipelines/core/errors.ts'

/** A token of the Hub with the place it came from, which may be named; the token itself may not. */
export interface HubToken {
  readonly token: string
  readonly origin: string
}

/**
 * The token of the user, found where the Hub's own programs look, in their order: environment variables, then the file
 * that logging in writes (huggingface_hub, environment variables reference). Null where there is none.
 */
export async function findHubToken(environment: NodeJS.ProcessEnv = process.env): Promise<HubToken | null> {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const token = environment[name]?.trim() ?? ''
    if (token !== '') return checked({ token, origin: name })
  }
  const path = tokenFile(environment)
  const token = (await readIfThere(path)).trim()
  return token === '' ? null : checked({ token, origin: path })
}

/** What a plan must know of the user's Hub, without the token. One that is malformed is told by publish, and stops nothing before. */
export async function describeHub(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ hasToken: boolean; endpoint: string | null }> {
  const hasToken = await findHubToken(environment).then(
    (found) => found !== null,
    () => true,
  )
  const endpoint = environment['HF_ENDPOINT'] ?? ''
  return { hasToken, endpoint: endpoint === '' ? null : endpoint }
}

function tokenFile(environment: NodeJS.ProcessEnv): string {
  const cache = environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const home = environment['HF_HOME'] ?? join(cache, 'huggingface')
  return environment['HF_TOKEN_PATH'] ?? join(home, 'token')
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCodeOf(error) ?? '')) return ''
    throw error
  }
}

// Checked here, because errors of the client would be about the token, and could quote it.
function checked(found: HubToken): HubToken {
  if (/^hf_[\w.-]+$/.test(found.token)) return found
  throw new CurateError('hub_token_malformed', `what ${found.origin} holds is no token of the Hub`, {
    hint: 'A token begins with hf_ and has no spaces. Make one with write access in the settings of your account.',
  })
}
