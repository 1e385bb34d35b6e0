import { z } from 'zod'
import type { Language } from '../types.ts'
import { findMarkedKernels } from './marked-functions.ts'

const Options = z.strictObject({}).describe('No settings')

/** OpenCL kernels: functions marked `__kernel` or `kernel`. Host code enqueues them by a name in a string: no launch is found. */
export const opencl: Language<z.infer<typeof Options>> = {
  id: 'opencl',
  version: 3,
  summary: 'OpenCL kernels (`__kernel` functions) in .cl files; found, not run',
  options: Options,
  extensions: ['.cl', '.clh', '.opencl'],
  findKernels: (file) =>
    findMarkedKernels(file, { word: /\b(?:__kernel|kernel)\b/, hasGrammar: false, findLaunches: () => [] }),
}
