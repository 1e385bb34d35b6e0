import { z } from 'zod'
import type { Language } from '../types.ts'
import { findLaunches } from './cuda-launches.ts'
import { findMarkedKernels } from './marked-functions.ts'

const Options = z.strictObject({}).describe('No settings')

/** HIP kernels in files named as such; `__global__` functions in other files count as CUDA, whose words HIP shares. */
export const hip: Language<z.infer<typeof Options>> = {
  id: 'hip',
  version: 3,
  summary: 'HIP kernels (`__global__` functions) in .hip files',
  options: Options,
  extensions: ['.hip', '.hiph'],
  findKernels: (file) => findMarkedKernels(file, { word: /\b__global__\b/, hasGrammar: true, findLaunches }),
}
