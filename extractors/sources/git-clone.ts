import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeAbandoned, temporaryName } from '../../pipelines/core/atomic-file.ts'
import { CurateError, systemCodeOf } from '../../pipelines/core/errors.ts'
import { sha256 } from '../../pipelines/core/hash.ts'
import type { SourceContext } from '../types.ts'
import { localGitDirectory, localPathOf, publicAddress } from './git-address.ts'
import { runGit } from './git-command.ts'
import { isObjectMissing } from './git-failure.ts'

/** What a clone must hold. */
export interface CloneRequest {
  readonly url: string
  readonly commitSha: string
  /** The whole history, or the one commit. */
  readonly isFull: boolean
}

/**
 * The bare repository in the cache that holds a commit, made where it is not there yet. Its folder is named by what it holds
 * and appears only when complete: a run that is killed leaves a temporary folder that the next one removes, and of two
 * runs that clone at once one is used and the other dropped.
 */
export async function openClone(request: CloneRequest, context: SourceContext): Promise<string> {
  const { url, commitSha, isFull } = request
  const folder = join(context.cacheDirectory, 'repositories', sha256(url).slice(0, 16))
  const target = join(folder, `${commitSha}-${isFull ? 'full' : 'shallow'}.git`)
  const local = await localRepository(url, context)
  if (await isThere(target)) {
    if (local === null || (await holdsCommit(target, request, context))) return target
    await rm(target, { recursive: true, force: true })
  }
  await mkdir(folder, { recursive: true })
  await removeAbandoned(folder)
  const temporary = temporaryName(target)
  try {
    await initialise(temporary, publicAddress(url), context)
    if (local === null) await fetchCommit(temporary, request, context)
    else await borrowObjects(temporary, local)
    await requireCommit(temporary, request, context)
    await moveIntoPlace(temporary, target)
    return target
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** The address that the user's `url.<base>.insteadOf` settings make of a recipe's. */
export async function effectiveUrl(url: string, context: SourceContext): Promise<string> {
  const printed = await runGit(['ls-remote', '--get-url', '--', url], at(context.cacheDirectory, url, context))
  return printed.trim()
}

async function localRepository(url: string, context: SourceContext): Promise<string | null> {
  await mkdir(context.cacheDirectory, { recursive: true })
  const path = localPathOf(await effectiveUrl(url, context))
  if (path === null) return null
  const found = await localGitDirectory(path, process.cwd())
  if (found !== null) return found
  throw new CurateError('repository_not_found', `${publicAddress(url)}: there is no git repository`, {
    hint: 'Check the path; it must be a git repository, bare or with a work tree.',
  })
}

// Our own settings and no template: nothing that the user's or the system's templates hold runs or is copied.
async function initialise(directory: string, address: string, context: SourceContext): Promise<void> {
  await mkdir(directory, { recursive: true })
  await runGit(['init', '--bare', '--quiet', '.'], { directory, address, signal: context.signal })
  await rm(join(directory, 'hooks'), { recursive: true, force: true })
}

// A repository on this machine is read where it lies. Its settings are not: only its objects are named here.
async function borrowObjects(directory: string, gitDirectory: string): Promise<void> {
  await writeFile(join(directory, 'objects', 'info', 'alternates'), `${join(gitDirectory, 'objects')}\n`)
  const shallow = await readFile(join(gitDirectory, 'shallow'), 'utf8').catch(() => null)
  if (shallow !== null) await writeFile(join(directory, 'shallow'), shallow)
}

// Servers may refuse to hand out a commit by its id, or a shallow one at all; every server serves its branches.
async function fetchCommit(directory: string, request: CloneRequest, context: SourceContext): Promise<void> {
  const { url, commitSha, isFull } = request
  const place = at(directory, url, context)
  const common = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-auto-maintenance']
  if (!isFull) {
    try {
      await runGit([...common, '--depth', '1', '--', url, commitSha], place)
      return
    } catch (error) {
      if (!(error instanceof CurateError) || FINAL.has(error.code)) throw error
      context.log.info(
        { url: publicAddress(url), reason: error.message },
        'no shallow fetch of the commit: fetching all',
      )
    }
  }
  await runGit([...common, '--', url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'], place)
}

const FINAL = new Set([
  'disk_full',
  'git_missing',
  'protocol_refused',
  'repository_needs_login',
  'repository_not_found',
  'network_down',
])

async function requireCommit(directory: string, request: CloneRequest, context: SourceContext): Promise<void> {
  if (await holdsCommit(directory, request, context)) return
  throw new CurateError(
    'commit_gone',
    `${publicAddress(request.url)} no longer holds the commit ${request.commitSha}`,
    {
      hint: 'It was probably removed by a force push. Take a newer commit: change `commit` in the recipe or run with --update.',
    },
  )
}

async function holdsCommit(directory: string, request: CloneRequest, context: SourceContext): Promise<boolean> {
  const args = ['rev-parse', '--quiet', '--verify', '--end-of-options', `${request.commitSha}^{commit}`]
  try {
    const printed = await runGit(args, at(directory, request.url, context))
    return printed.trim() === request.commitSha
  } catch (error) {
    if (isObjectMissing(error) || (error instanceof CurateError && error.code === 'git_failed')) return false
    throw error
  }
}

async function moveIntoPlace(temporary: string, target: string): Promise<void> {
  try {
    await rename(temporary, target)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '') || !(await isThere(target))) throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function at(directory: string, url: string, { signal }: SourceContext) {
  return { directory, address: publicAddress(url), signal }
}
