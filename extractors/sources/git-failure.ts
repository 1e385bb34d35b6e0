import { CurateError } from '../../pipelines/core/errors.ts'

/** What git said on its way out, as an error a person can act on. `address` and `message` must be free of credentials. */
export function gitFailure(message: string, address: string): CurateError {
  const known = KNOWN_FAILURES.find(({ pattern }) => pattern.test(message))
  const { code, says, hint, retryable } = known ?? UNKNOWN
  return new CurateError(code, `${address}: ${says}${known === undefined ? ` ${lastLine(message)}` : ''}`, {
    hint,
    retryable,
    cause: new Error(message),
  })
}

/** Whether git failed over an object that the repository lacks: only what needs that object is lost. */
export function isObjectMissing(error: unknown): boolean {
  return error instanceof CurateError && error.code === 'object_missing'
}

interface KnownFailure {
  readonly pattern: RegExp
  readonly code: string
  readonly says: string
  readonly hint: string
  readonly retryable: boolean
}

const UNKNOWN = {
  code: 'git_failed',
  says: 'git failed:',
  hint: 'Try the same address with `git ls-remote` by hand.',
  retryable: true,
}

// The texts are git's own, in the C locale; git 2.39 to 2.50. Order matters: a server that hides private repositories asks
// for a name where there is none.
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    // The first line says it; what follows ("revision walk setup failed") differs by command.
    pattern:
      /unable to read (?:tree |sha1 file |[0-9a-f]{40})|could not read [0-9a-f]{40}|bad (?:object|tree object)|not a tree object|missing (?:blob|tree|commit)|(?:loose|packed) object .* is corrupt|unable to unpack [0-9a-f]{40}|inflate: data stream error/i,
    code: 'object_missing',
    says: 'it lacks an object that its history names, as a partial or damaged clone does.',
    hint: 'Fetch the repository in full: delete the clone in the cache, or run `git fetch --refetch` in a local one.',
    retryable: false,
  },
  {
    pattern: /No space left on device|Disk quota exceeded|unable to write (?:file|new)|ENOSPC/i,
    code: 'disk_full',
    says: 'there is no space left to clone it.',
    hint: 'Free some disk space, or set another --work-dir, and run the same command again.',
    retryable: true,
  },
  {
    pattern: /spawn git ENOENT|git: command not found/,
    code: 'git_missing',
    says: 'git is not installed.',
    hint: 'Install git (Debian: `apt install git`) and run the same command again.',
    retryable: false,
  },
  {
    pattern:
      /transport '[^']*' not allowed|protocol '[^']*' is not supported|remote helper|unable to find remote helper/i,
    code: 'protocol_refused',
    says: 'this kind of address is not allowed.',
    hint: 'Use https, ssh, git or a local path.',
    retryable: false,
  },
  {
    pattern:
      /could not read (?:Username|Password)|Authentication failed|terminal prompts disabled|HTTP Basic: Access denied|returned error: 40[13]/i,
    code: 'repository_needs_login',
    says: 'it does not exist, or needs a password.',
    hint: 'Check the spelling. For a private repository set up a git credential helper or an ssh key; curate never asks.',
    retryable: false,
  },
  {
    pattern: /Permission denied \(|Host key verification failed|No supported authentication/i,
    code: 'repository_needs_login',
    says: 'ssh was refused.',
    hint: 'Check that `ssh` to this host works without a question: your key must be loaded and the host known.',
    retryable: false,
  },
  {
    pattern:
      /repository .*not found|Repository not found|does not appear to be a git repository|not a git repository|access denied or repository not exported|invalid gitfile format|does not exist|No such file or directory|returned error: 404/i,
    code: 'repository_not_found',
    says: 'there is no such repository.',
    hint: 'Check the spelling of the address.',
    retryable: false,
  },
  {
    pattern:
      /Could not resolve host|Connection refused|Connection timed out|Failed to connect|Network is unreachable|Connection reset|Could not connect|SSL|early EOF|unexpected disconnect|returned error: 5\d\d|Operation timed out|Could not read from remote/i,
    code: 'network_down',
    says: 'it cannot be reached.',
    hint: 'Check the network and the address, and run the same command again.',
    retryable: true,
  },
]

function lastLine(message: string): string {
  return message.split('\n').findLast((line) => line.trim() !== '') ?? ''
}
