import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { diagnoseRay } from '../../../pipelines/cli/commands/doctor-ray.ts'
import { tellNodeFacts } from '../../../pipelines/cli/commands/node-facts.ts'
import { MachineFacts, TOKEN_FILE, deviceOf } from '../../../pipelines/engines/ray/probe.ts'
import type { NodeFacts } from '../../../pipelines/engines/ray/probe.ts'
import { programHash } from '../../../pipelines/engines/ray/package.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { startRayHead } from '../engines/ray-head.ts'
import type { RayHead } from '../engines/ray-head.ts'

let head: RayHead | null = null
afterEach(async () => {
  await head?.close()
  head = null
})

const H100 = 'NVIDIA H100 80GB HBM3'
const WELL = {
  curate_version: '0.1.0',
  node_version: 'v24.0.0',
  device: 'H100',
  gpus: [H100],
  reads_folder: true,
  writes_folder: true,
  cores: 16,
  gpu_slots: 1,
  clock_skew_s: 0.02,
  error: null,
}

test('doctor says of each node whether it runs this code, sees the folder, tells the right time and has its GPUs', async () => {
  const program_hash = await programHash()
  const nodes: Partial<NodeFacts>[] = [
    { ...WELL, host: 'well', program_hash },
    { ...WELL, host: 'ill', program_hash: '0'.repeat(32), reads_folder: false, clock_skew_s: -9, gpu_slots: 2, gpus: ['NVIDIA A100-SXM4-80GB'] }, // prettier-ignore
    { host: 'broken', cores: 4, gpu_slots: 0, error: 'npm ci on broken: no network' },
  ]
  const workDir = await temporaryFolder()
  const findings = await diagnose(workDir, nodes)
  expect(findings.map(({ name, ok }) => [name, ok])).toEqual([
    ['Ray head', true],
    ['well: code', true],
    ['well: folder', true],
    ['well: clock', true],
    ['well: device', true],
    ['ill: code', false],
    ['ill: folder', false],
    ['ill: clock', false],
    ['ill: device', false],
    ['broken', false],
    ['GPUs', false],
  ])
  const [, , , , , code, folder, clock, , broken, gpus] = findings
  expect(code?.remedy).toContain('It runs other code than this machine')
  expect([folder?.found, clock?.found]).toEqual(['it does not see the work directory', '-9.00 s from the head'])
  expect(broken?.found).toBe('npm ci on broken: no network')
  expect(gpus?.remedy).toContain('different models')
  // What it looked with is gone.
  expect(await readdir(workDir)).toEqual([])
})

test('doctor says where no head answers', async () => {
  const findings = await diagnoseRay(
    ['address=http://127.0.0.1:9'],
    await temporaryFolder(),
    new AbortController().signal,
  )
  expect(findings).toMatchObject([{ name: 'Ray cluster', ok: false, found: expect.stringContaining('127.0.0.1:9') }])
})

test('kernels are judged on the kinds of nodes that have GPUs, or on all where none has', () => {
  const node = (device: string, gpu_slots: number): NodeFacts => ({ ...WELL, type: 'node_facts', host: 'n', gpus: [], device, gpu_slots }) // prettier-ignore
  expect(deviceOf([node('B', 1), node('A', 2), node('B', 1), node('C', 0)])).toBe('A | B')
  expect(deviceOf([node('C', 0), node('D', 0)])).toBe('C | D')
})

test('a node sees the folder where it reads in it what was written for it, and can write there', async () => {
  const folder = join(await temporaryFolder(), 'curate-probe-1')
  expect(await factsOf(folder)).toMatchObject({ reads_folder: false, writes_folder: false })
  await mkdir(folder)
  await writeFile(join(folder, TOKEN_FILE), 'curate-probe-2')
  expect(await factsOf(folder)).toMatchObject({ reads_folder: false, writes_folder: true })
  await writeFile(join(folder, TOKEN_FILE), 'curate-probe-1')
  expect(await factsOf(folder)).toMatchObject({ reads_folder: true, program_hash: await programHash() })
})

async function diagnose(workDir: string, nodes: readonly object[]) {
  head = await startRayHead((job) => {
    job.logs = `INFO connected\n${nodes.map((node) => JSON.stringify({ type: 'node_facts', ...node })).join('\n')}\n`
    job.status = 'SUCCEEDED'
  })
  const sets = [`address=${head.address}`, 'package=shared']
  return diagnoseRay(sets, workDir, new AbortController().signal)
}

async function factsOf(folder: string): Promise<MachineFacts> {
  const told: (readonly object[])[] = []
  const nothing = (): void => undefined
  const silent = { emit: nothing, progress: nothing, note: nothing, error: nothing, close: nothing, result: nothing }
  await tellNodeFacts(folder, { ...silent, records: (_, lines) => void told.push(lines) })
  return MachineFacts.parse(told[0]?.[0])
}
