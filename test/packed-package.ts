import { cp, mkdir, mkdtemp, readdir, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { runProcess } from '../pipelines/core/process.ts'

/** curate as npm would publish it. */
export interface PackedPackage {
  /** A folder of its own for everything below; to be removed. */
  readonly folder: string
  readonly tarball: string
  /** Paths in the package. */
  readonly files: readonly string[]
}

const Packed = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })])

/** Builds and packs a copy of the tracked files, so that nothing else of the checkout can get in. */
export async function packPackage(): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'curate-package-'))
  const copy = join(folder, 'checkout')
  const tracked = await succeed('git', ['ls-files', '-z'], packageRoot)
  for (const path of tracked.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(copy, path)), { recursive: true })
    // A file that was removed and not yet committed is tracked still.
    await cp(join(packageRoot, path), join(copy, path)).catch(() => undefined)
  }
  await symlink(join(packageRoot, 'node_modules'), join(copy, 'node_modules'))
  await succeed('npm', ['run', '--silent', 'build'], copy)
  const [{ filename, files }] = Packed.parse(
    JSON.parse(await succeed('npm', ['pack', '--json', '--pack-destination', folder], copy)),
  )
  return { folder, tarball: join(folder, filename), files: files.map(({ path }) => path) }
}

/** Unpacks the package into an empty folder, as npm does, beside the dependencies that are here; gives the folder. */
export async function unpackPackage({ folder, tarball }: PackedPackage): Promise<string> {
  const modules = join(folder, 'user', 'node_modules')
  await mkdir(join(modules, 'curate'), { recursive: true })
  await succeed('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'curate')], folder)
  for (const name of await readdir(join(packageRoot, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(packageRoot, 'node_modules', name), join(modules, name))
  }
  return join(folder, 'user')
}

/** Runs a program and gives what it printed, or throws with what it said. */
export async function succeed(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { ok, stdout, stderr } = await runProcess(file, args, { cwd, maxOutput: 20_000_000 })
  if (!ok) throw new Error(`${file} ${args.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}
