import picomatch from 'picomatch'
import type { Repository, RepositoryFile } from '../types.ts'

/**
 * A repository as it was, with the tests of today: what a kernel is judged by must not change while it is followed. `moved` says
 * where files stand today that had other paths then: they are found at both, so that imports of then and of today find them. `keep`:
 * globs of more files of today.
 */
export function pastRepository(
  then: Repository,
  now: Repository,
  { moved, keep }: { readonly moved: ReadonlyMap<string, string>; readonly keep: readonly string[] },
): Repository {
  const isKept = picomatch([...keep])
  const isOfToday = (path: string): boolean => isOfTests(path) || isKept(path)
  let listed: Promise<{ files: RepositoryFile[]; places: Map<string, Place> }> | undefined
  const list = () => (listed ??= listBoth(then, now, moved, isOfToday))
  return {
    ...then,
    listFiles: async () => (await list()).files,
    // Each side gives its files in the order they are asked for, and so does this.
    async *readFiles(paths) {
      const { places } = await list()
      const contents = [then, now].map((side) => {
        const wanted = paths.flatMap((path) => {
          const place = places.get(path)
          return place?.side === side ? [place.path] : []
        })
        return { side, files: side.readFiles(wanted)[Symbol.asyncIterator]() }
      })
      for (const path of paths) {
        const side = places.get(path)?.side
        const next = await contents.find((each) => each.side === side)?.files.next()
        yield { path, content: next === undefined || next.done === true ? null : next.value.content }
      }
    },
  }
}

interface Place {
  readonly side: Repository
  /** Path of the file on that side. */
  readonly path: string
}

async function listBoth(
  then: Repository,
  now: Repository,
  moved: ReadonlyMap<string, string>,
  isOfToday: (path: string) => boolean,
) {
  const files = new Map<string, RepositoryFile>()
  const places = new Map<string, Place>()
  for (const file of await then.listFiles()) {
    if (isOfToday(file.path)) continue
    for (const path of new Set([file.path, moved.get(file.path) ?? file.path])) {
      files.set(path, { ...file, path })
      places.set(path, { side: then, path: file.path })
    }
  }
  for (const file of await now.listFiles()) {
    if (!isOfToday(file.path)) continue
    files.set(file.path, file)
    places.set(file.path, { side: now, path: file.path })
  }
  return { files: [...files.values()], places }
}

/** Whether a path belongs to tests, by the names that pytest and benchmarks go by. */
function isOfTests(path: string): boolean {
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  return (
    parts.some((part) => /^(?:tests?|testing|benchmarks?|benches)$/.test(part)) ||
    /^(?:test_.*|.*_test|conftest)\.py$/.test(name)
  )
}
