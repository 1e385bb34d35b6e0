import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runProcess } from '../pipelines/core/process.ts'

/** A GPU that processes of this user can use. */
export interface Gpu {
  readonly uuid: string
  readonly name: string
  readonly driver: string
}

/** The NVIDIA GPUs of this machine; quick where there is no driver. */
export async function listGpus(): Promise<Gpu[]> {
  if (!existsSync(DRIVER) && !existsSync('/dev/nvidiactl')) return []
  const query = ['--query-gpu=uuid,name,driver_version', '--format=csv,noheader']
  const { ok, stdout } = await runProcess('nvidia-smi', query, { timeoutMs: 20_000 })
  return onlyVisible(ok ? parseTable(stdout) : await gpusOfDriver(DRIVER))
}

const DRIVER = '/proc/driver/nvidia'

function parseTable(text: string): Gpu[] {
  return text.split('\n').flatMap((line) => {
    const [uuid, name, driver] = line.split(',').map((part) => part.trim())
    return uuid === undefined || name === undefined || driver === undefined ? [] : [{ uuid, name, driver }]
  })
}

/** What the driver itself says, in its folder under /proc: some containers have no nvidia-smi. */
export async function gpusOfDriver(folder: string): Promise<Gpu[]> {
  const version = await readFile(join(folder, 'version'), 'utf8').catch(() => '')
  const driver = /\b(\d+\.\d+(?:\.\d+)?)\b/.exec(version)?.[1] ?? 'unknown'
  const places: string[] = await readdir(join(folder, 'gpus')).catch(() => [])
  const gpus = await Promise.all(
    places.sort().map(async (place) => {
      const facts = await readFile(join(folder, 'gpus', place, 'information'), 'utf8').catch(() => '')
      const uuid = /^GPU UUID:\s*(GPU-[0-9a-f-]+)\s*$/m.exec(facts)?.[1]
      const name = /^Model:\s*(.+?)\s*$/m.exec(facts)?.[1]
      return uuid === undefined || name === undefined ? [] : [{ uuid, name, driver }]
    }),
  )
  return gpus.flat()
}

// CUDA_VISIBLE_DEVICES names positions or UUIDs; what is hidden from the user's other programs stays hidden from ours.
function onlyVisible(gpus: readonly Gpu[]): Gpu[] {
  const visible = process.env['CUDA_VISIBLE_DEVICES']
  if (visible === undefined) return [...gpus]
  const wanted = visible.split(',').map((part) => part.trim())
  return wanted.flatMap((name) => gpus.filter(({ uuid }, index) => String(index) === name || uuid === name))
}
