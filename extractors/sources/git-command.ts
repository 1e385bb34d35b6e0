import { simpleGit } from 'simple-git'
import type { SimpleGitOptions } from 'simple-git'
import { messageOf } from '../../pipelines/core/errors.ts'
import type { CurateError } from '../../pipelines/core/errors.ts'
import { runProcess } from '../../pipelines/core/process.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import { gitFailure } from './git-failure.ts'

/** Options that every git process of ours gets, before the command: nothing it reads can make it run anything. */
export const SAFE_CONFIG: readonly string[] = [
  // A repository's hooks, monitors and pagers are programs of strangers.
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'fetch.recurseSubmodules=false',
  'log.showSignature=false',
  // No background process may outlive the run or rewrite a cache that another run reads.
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
]

/**
 * The environment of every git process: the user's own, with their proxies, certificates and keys, but in English, without
 * prompts, and without variables that point git at another repository.
 */
export function gitEnvironment(): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !REDIRECTING.has(name))
  return {
    ...Object.fromEntries(inherited.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    GCM_INTERACTIVE: 'never',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file',
  }
}

/** Runs a git command to its end and gives what it printed; a failure becomes a CurateError that names `address`. */
export async function runGit(
  args: readonly string[],
  options: { readonly directory: string; readonly address: string; readonly signal: AbortSignal },
): Promise<string> {
  const env = { ...gitEnvironment(), GIT_SSH_COMMAND: await batchSsh() }
  const settings: Partial<SimpleGitOptions> & { abort: AbortSignal } = {
    baseDir: options.directory,
    config: [...SAFE_CONFIG],
    abort: options.signal,
    allowEnvironment: Object.keys(env),
    unsafe: OUR_SETTINGS,
  }
  try {
    return await simpleGit(settings)
      .env(env)
      .raw([...args])
  } catch (error) {
    options.signal.throwIfAborted()
    throw toGitFailure(error, options.address)
  }
}

let configuredSsh: Promise<string> | undefined

// ssh asks on the terminal itself, whatever git is told; only its own option keeps it quiet. The user's command stays.
async function batchSsh(): Promise<string> {
  configuredSsh ??= runProcess('git', ['config', '--get', 'core.sshCommand'], { env: gitEnvironment() }).then(
    (result) => (result.ok ? result.stdout.trim() : 'ssh'),
  )
  return `${process.env['GIT_SSH_COMMAND'] ?? (await configuredSsh)} -oBatchMode=yes`
}

const REDIRECTING = new Set([
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_TRACE',
  'GIT_TRACE_CURL',
  'GIT_EXTERNAL_DIFF',
  'GIT_PAGER',
  'GIT_EDITOR',
  'EDITOR',
  'PAGER',
])

// simple-git refuses settings that an attacker could have put there. These are ours, or the user's own environment.
const OUR_SETTINGS: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeAskPass: true,
  allowUnsafeSshCommand: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeUrlRewrite: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeCredentialHelper: true,
}

function toGitFailure(error: unknown, address: string): CurateError {
  const message = withoutSecrets(messageOf(error)).trim()
  return gitFailure(message, withoutSecrets(address))
}
