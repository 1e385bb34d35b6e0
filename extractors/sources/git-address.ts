import { readFile, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'

/** What a repository is called in rows: `owner/name` of a hosted one, the folder's name of a local one. */
export function repositoryName(url: string): string {
  const path = localPathOf(url) ?? url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*\//i, '').replace(/^[^/]*:/, '')
  const parts = path.split('/').filter((part) => part !== '')
  const name = (parts.at(-1) ?? path).replace(/\.git$/, '')
  return localPathOf(url) === null && parts.length > 1 ? `${parts.at(-2)}/${name}` : name
}

/** The address as rows and errors may show it. */
export function publicAddress(url: string): string {
  return withoutSecrets(url)
}

/** The folder a local address means, or null for one on a network. `host:path` is ssh, as in git. */
export function localPathOf(url: string): string | null {
  if (url.startsWith('file://')) return fileURLToPath(new URL(url))
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url) || /^[\w.-]+::/.test(url)) return null
  const colon = url.indexOf(':')
  const isSsh = colon !== -1 && !url.slice(0, colon).includes('/')
  return isSsh ? null : url
}

/** The git directory of a local repository, seen from `base`, or null where the folder holds none. */
export async function localGitDirectory(path: string, base: string): Promise<string | null> {
  const root = isAbsolute(path) ? path : resolve(base, path)
  for (const candidate of [join(root, '.git'), root, `${root}.git`]) {
    const found = await stat(candidate).catch(() => null)
    if (found?.isDirectory() === true && (await isGitDirectory(candidate))) return candidate
    // The work tree of another repository: a file that names the place of its git directory.
    if (found?.isFile() === true && basename(candidate) === '.git') {
      const linked = /^gitdir: (.+)$/m.exec(await readFile(candidate, 'utf8'))?.[1]
      if (linked !== undefined) return commonDirectory(resolve(root, linked.trim()))
    }
  }
  return null
}

async function isGitDirectory(path: string): Promise<boolean> {
  const [objects, head] = await Promise.all(
    [stat(join(path, 'objects')), stat(join(path, 'HEAD'))].map((entry) => entry.catch(() => null)),
  )
  return objects?.isDirectory() === true && head !== null && head !== undefined
}

async function commonDirectory(gitDirectory: string): Promise<string> {
  const common = await readFile(join(gitDirectory, 'commondir'), 'utf8').catch(() => null)
  return common === null ? gitDirectory : resolve(gitDirectory, common.trim())
}
