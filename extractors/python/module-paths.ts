import { posix } from 'node:path'

/** Finds the file of an absolute import seen from a file, or null. */
export type ModuleFinder = (dotted: readonly string[], from: string) => string | null

/**
 * Finds modules the way Python would: first in the folders above the importing file that are no packages, which is where scripts
 * and pytest start from, then in the folders anywhere in the repository that hold the top package, outermost first.
 */
export function moduleFinder(paths: readonly string[]): ModuleFinder {
  const known = new Set(paths)
  const folders = foldersByTopName(paths, known)
  return (dotted, from) => {
    const [top = ''] = dotted
    if (EXTERNAL.has(top)) return null
    for (const root of [...startFolders(from, known), ...(folders.get(top) ?? [])]) {
      const base = posix.join(root, ...dotted)
      const found = [`${base}.py`, `${base}/__init__.py`].find((path) => known.has(path))
      if (found !== undefined) return found
    }
    return null
  }
}

/** `src/pkg/ops/norm.py` is `pkg.ops.norm`: imports start in the folder above the outermost package. */
export function dottedName(path: string, known: ReadonlySet<string>): string {
  const parts = path.replace(/(?:\/__init__)?\.py$/, '').split('/')
  let start = parts.length - 1
  while (start > 0 && known.has(`${parts.slice(0, start).join('/')}/__init__.py`)) start -= 1
  return parts.slice(start).join('.')
}

function startFolders(from: string, known: ReadonlySet<string>): string[] {
  const folders: string[] = []
  for (let folder = posix.dirname(from); ; folder = posix.dirname(folder)) {
    if (!known.has(posix.join(folder, '__init__.py'))) folders.push(folder)
    if (folder === '.' || folder === '/') return folders
  }
}

// Name to the folders that hold a module or package of that name and are no packages themselves.
function foldersByTopName(paths: readonly string[], known: ReadonlySet<string>): Map<string, string[]> {
  const folders = new Map<string, Set<string>>()
  for (const path of paths) {
    const parts = path.replace(/\.py$/, '').split('/')
    for (let depth = 0; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join('/') || '.'
      if (known.has(posix.join(folder, '__init__.py'))) continue
      const name = parts[depth] ?? ''
      folders.set(name, (folders.get(name) ?? new Set()).add(folder))
    }
  }
  return new Map([...folders].map(([name, set]) => [name, [...set].toSorted(byDepth)]))
}

function byDepth(a: string, b: string): number {
  const depth = (folder: string): number => (folder === '.' ? 0 : folder.split('/').length)
  return depth(a) - depth(b) || (a < b ? -1 : 1)
}

// Packages a folder of the same name must never stand in for: `kernels/triton/` is not Triton.
const EXTERNAL = new Set(
  [
    ['torch', 'triton', 'numpy', 'scipy', 'pytest', 'transformers', 'einops', 'packaging', 'setuptools', 'unittest'],
    ['typing', 'functools', 'itertools', 'math', 'os', 'sys', 'logging', 'random', 'types', 'enum', 'copy', 'time'],
    ['json', 'collections', 'contextlib', 'dataclasses', 'importlib', 'pathlib', 'operator', 'warnings', 're'],
  ].flat(),
)
