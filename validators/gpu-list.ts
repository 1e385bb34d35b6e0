import { existsSync } from 'node:fs'
import { runProcess } from '../pipelines/core/process.ts'

/** A GPU that processes of this user can use. */
export interface Gpu {
  readonly uuid: string
  readonly name: string
  readonly driver: string
}

/** The NVIDIA GPUs of this machine; quick where there is no driver. */
export async function listGpus(): Promise<Gpu[]> {
  if (!existsSync('/proc/driver/nvidia/version') && !existsSync('/dev/nvidiactl')) return []
  const query = ['--query-gpu=uuid,name,driver_version', '--format=csv,noheader']
  const { ok, stdout } = await runProcess('nvidia-smi', query, { timeoutMs: 20_000 })
  if (!ok) return []
  const gpus = stdout.split('\n').flatMap((line) => {
    const [uuid, name, driver] = line.split(',').map((part) => part.trim())
    return uuid === undefined || name === undefined || driver === undefined ? [] : [{ uuid, name, driver }]
  })
  return onlyVisible(gpus)
}

// CUDA_VISIBLE_DEVICES names positions or UUIDs; what is hidden from the user's other programs stays hidden from ours.
function onlyVisible(gpus: readonly Gpu[]): Gpu[] {
  const visible = process.env['CUDA_VISIBLE_DEVICES']
  if (visible === undefined) return [...gpus]
  const wanted = visible.split(',').map((part) => part.trim())
  return wanted.flatMap((name) => gpus.filter(({ uuid }, index) => String(index) === name || uuid === name))
}
