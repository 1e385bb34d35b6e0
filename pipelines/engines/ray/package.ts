import { createHash } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { zipSync } from 'fflate'
import { z } from 'zod'
import { packageRoot } from '../../core/package-root.ts'

/** The program itself as Ray distributes it: named by its content, so that it is uploaded once. */
export interface RayPackage {
  readonly name: string
  /** What a job names as its working directory. */
  readonly uri: string
  readonly zip: Uint8Array
}

/** Hash of the files of the program: equal on all machines that run the same code. */
export async function programHash(root = packageRoot): Promise<string> {
  return hashOfFiles(await contentsOf(root))
}

/** Packs what runs: the sources of a checkout, or the build of an installed package, without what `npm ci` brings. */
export async function packProgram(root = packageRoot): Promise<RayPackage> {
  const contents = await contentsOf(root)
  const name = `_ray_pkg_${hashOfFiles(contents)}.zip`
  // The earliest time that a ZIP can tell: equal content makes equal bytes.
  const zip = zipSync(Object.fromEntries(contents), { level: 1, mtime: '1980-01-01T00:00:00' })
  return { name, uri: `gcs://${name}`, zip }
}

type Contents = readonly (readonly [string, Buffer])[]

async function contentsOf(root: string): Promise<Contents> {
  const files = await filesOf(root)
  return Promise.all(files.map(async (path) => [path, await readFile(join(root, path))] as const))
}

function hashOfFiles(contents: Contents): string {
  const hash = createHash('sha256')
  for (const [path, content] of contents) hash.update(`${path}\0${content.length}\0`).update(content)
  return hash.digest('hex').slice(0, 32)
}

const SOURCES = ['pipelines', 'extractors', 'validators', 'filters', 'exports']
const ALONE = ['package.json', 'package-lock.json', '.npmrc']
const Files = z.looseObject({ files: z.array(z.string()).default([]) })

async function filesOf(root: string): Promise<string[]> {
  const { files } = Files.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const published = files.map((pattern) => pattern.split('/*')[0] ?? pattern)
  const folders = [...new Set([...SOURCES, ...published.filter((path) => path !== 'docs')])]
  const found = await Promise.all([...folders, ...ALONE].map((path) => filesUnder(join(root, path))))
  return [...new Set(found.flat())].map((path) => relative(root, path)).toSorted()
}

async function filesUnder(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null)
  if (found === null) return []
  if (found.isFile()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__') && !entry.name.endsWith('.pyc'))
    .map((entry) => join(entry.parentPath, entry.name))
}
