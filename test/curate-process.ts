import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { packageRoot } from '../pipelines/core/package-root.ts'

/** How a spawned command line ended. */
export interface CurateResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the real command line as a process of its own, without a terminal. */
export function startCurate(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [join(packageRoot, 'pipelines', 'launch.js'), ...args], {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { child, ended: collect(child) }
}

/** Runs the real command line to its end. */
export async function curate(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CurateResult> {
  return startCurate(args, environment).ended
}

async function collect(child: ChildProcess): Promise<CurateResult> {
  const text = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk))
  await once(child, 'close')
  return { exitCode: child.exitCode, signal: child.signalCode, ...text }
}
