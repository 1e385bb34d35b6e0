import { readFile, readdir, realpath } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** A package in an interpreter's folders. */
export interface InstalledPackage {
  readonly version: string
  /** Folder of its metadata. */
  readonly metadata: string
  /** Whether its installation came to an end: the list of its files is written last. */
  readonly complete: boolean
}

/**
 * The packages an interpreter would import, by name, from their metadata on disk: starting Python to ask takes longer than
 * everything else a plan does.
 */
export async function installedPackages(python: string): Promise<Map<string, InstalledPackage>> {
  const packages = new Map<string, InstalledPackage>()
  for (const folder of await packageFolders(python)) {
    for (const name of await readdir(folder).catch(() => [])) {
      const found = DIST_INFO.exec(name)
      if (found?.[1] === undefined || found[2] === undefined) continue
      const key = normalized(found[1])
      const metadata = join(folder, name)
      const known = packages.get(key)
      if (known?.complete === true) continue
      packages.set(key, { version: found[2], metadata, complete: existsSync(join(metadata, 'RECORD')) })
    }
  }
  return packages
}

const DIST_INFO = /^([A-Za-z0-9._]+)-([^-]+)\.dist-info$/

function normalized(name: string): string {
  return name.toLowerCase().replaceAll(/[._-]+/g, '-')
}

// First the environment's own folder, then, where it lets them in, those of the interpreter it was made from.
async function packageFolders(python: string): Promise<string[]> {
  const prefix = dirname(dirname(python))
  const own = await pythonFolders(join(prefix, 'lib'))
  const config = await readFile(join(prefix, 'pyvenv.cfg'), 'utf8').catch(() => null)
  if (config !== null && !/^include-system-site-packages\s*=\s*true/m.test(config)) return own
  const base = await realpath(python).catch(() => python)
  const shared = await pythonFolders(join(dirname(dirname(base)), 'lib'))
  const local = await pythonFolders('/usr/local/lib')
  const user = await pythonFolders(join(homedir(), '.local', 'lib'))
  return [...new Set([...own, ...user, ...local, ...shared])]
}

async function pythonFolders(lib: string): Promise<string[]> {
  const versions = (await readdir(lib).catch(() => [])).filter((name) => /^python3(\.\d+)?$/.test(name)).sort()
  return versions.flatMap((version) => [join(lib, version, 'site-packages'), join(lib, version, 'dist-packages')])
}
