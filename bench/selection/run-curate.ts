import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../pipelines/core/package-root.ts'

/** Runs the command line as a user does; throws where it fails. */
export function runProcess(args: readonly string[]): void {
  const launched = spawnSync(process.execPath, [join(packageRoot, 'pipelines', 'launch.js'), ...args], {
    stdio: 'inherit',
  })
  if (launched.status !== 0) throw new Error(`curate ended with ${String(launched.status)}`)
}
