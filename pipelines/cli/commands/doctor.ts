import { statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { findHubToken } from '../../../exports/hub-token.ts'
import { diagnoseValidation } from '../../../validators/diagnosis.ts'
import type { Finding } from '../../../validators/diagnosis.ts'
import { preparePython } from '../../../validators/python-environment.ts'
import { runProcess } from '../../core/process.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderTable } from '../reporter/text-table.ts'
import { formatBytes } from '../reporter/units.ts'

/** Flags of `curate doctor`. */
export interface DoctorOptions {
  /** Make the Python environment of the worker first. */
  readonly prepare: boolean
  /** Also install what tests and linters need. */
  readonly developer: boolean
  readonly workDir: string
  readonly engine?: string
  readonly engineSet: readonly string[]
}

/** `curate doctor`: says what is present on this machine and how to get the rest. Missing things are no failure. */
export async function examineMachine(options: DoctorOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  if (options.engine === 'ray') {
    const { diagnoseRay } = await import('./doctor-ray.ts')
    const findings = await diagnoseRay(options.engineSet, options.workDir, signal)
    reporter.result(renderFindings(findings), { findings })
    return findings.every(({ ok }) => ok) ? 0 : 1
  }
  if (options.prepare || options.developer) {
    await preparePython({ developer: options.developer, onProgress: (line) => reporter.note(line) })
    if (options.developer) return 0
  }
  const findings = [
    node(),
    await git(),
    ...(await diagnoseValidation()),
    await hubToken(),
    await disk(resolve(options.workDir)),
  ]
  reporter.result(renderFindings(findings), { findings })
  return 0
}

function renderFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ name, ok, found, remedy }) => [
    ok ? styleText('green', 'ok') : styleText('yellow', 'missing'),
    name,
    ok ? found : [found, remedy].filter((text) => text !== '').join('\n'),
  ])
  return renderTable(['', 'what', 'found, or how to get it'], rows)
}

function node(): Finding {
  return { name: 'Node.js', ok: true, found: `${process.version} (${process.execPath})`, remedy: '' }
}

async function git(): Promise<Finding> {
  const { ok, stdout } = await runProcess('git', ['--version'], { timeoutMs: 10_000 })
  return { name: 'git', ok, found: stdout, remedy: 'Install git: sources are cloned with it.' }
}

async function hubToken(): Promise<Finding> {
  const token = await findHubToken()
  return {
    name: 'Hub token',
    ok: token !== null,
    found: token === null ? '' : `from ${token.origin}`,
    remedy: 'Only needed to publish: set HF_TOKEN, or log in with the Hub’s own command line.',
  }
}

async function disk(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestExisting(directory))
  const free = bavail * bsize
  const remedy = 'Less than 5 GB is free: clones and builds may not fit. Use --work-dir on a larger disk.'
  return { name: 'disk', ok: free > 5e9, found: `${formatBytes(free)} free for ${directory}`, remedy }
}

async function nearestExisting(directory: string): Promise<string> {
  const exists = await statfs(directory).then(
    () => true,
    () => false,
  )
  return exists ? directory : nearestExisting(resolve(directory, '..'))
}
