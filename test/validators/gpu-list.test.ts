import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gpusOfDriver } from '../../validators/gpu-list.ts'
import { temporaryFolder } from '../temporary-folder.ts'

test('GPUs are found without nvidia-smi, in the driver’s own folder', async () => {
  const folder = await temporaryFolder()
  await writeFile(
    join(folder, 'version'),
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n',
  )
  const uuid = 'GPU-01234567-89ab-cdef-0123-456789abcdef'
  const information = `Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 85\nGPU UUID: \t ${uuid}\nVideo BIOS: \t 96\n`
  for (const [place, text] of [
    ['0000:0a:00.0', information],
    ['0000:0b:00.0', 'Model: \t\t NVIDIA H100 80GB HBM3\nGPU UUID: \t GPU-????????\n'],
  ] as const) {
    await mkdir(join(folder, 'gpus', place), { recursive: true })
    await writeFile(join(folder, 'gpus', place, 'information'), text)
  }
  expect(await gpusOfDriver(folder)).toEqual([{ uuid, name: 'NVIDIA H100 80GB HBM3', driver: '580.65.06' }])
  expect(await gpusOfDriver(join(folder, 'absent'))).toEqual([])
})
