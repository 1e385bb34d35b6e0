/**
 * Installs curate as its users do, from the packed tarball into an empty folder with all its dependencies, and runs it:
 * `node bench/install.ts`. Takes minutes and, where npm's cache is empty, some 300 MB of downloads.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packPackage, succeed } from '../test/packed-package.ts'

const packed = await packPackage()
const user = join(packed.folder, 'empty')
await mkdir(user)
await writeFile(join(user, 'package.json'), '{"name": "user", "private": true}\n')

const started = Date.now()
await succeed(
  'npm',
  ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', packed.tarball],
  user,
)
console.log(`installed in ${Math.round((Date.now() - started) / 1000)} s`)
for (const args of [['--help'], ['list'], ['--recipe', 'quickstart', '--to', 'pair'], ['report']]) {
  const printed = await succeed('npx', ['curate', ...args], user)
  console.log(`curate ${args.join(' ')}: ${printed.trim().split('\n').at(-1)}`)
}
await rm(packed.folder, { recursive: true, force: true })
