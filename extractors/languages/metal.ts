import { z } from 'zod'
import type { Language } from '../types.ts'
import { findMarkedKernels } from './marked-functions.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * Metal compute kernels: functions marked `kernel` or `[[kernel]]` that have a body. Instantiations of templates under a
 * `host_name` are none of their own.
 */
export const metal: Language<z.infer<typeof Options>> = {
  id: 'metal',
  version: 3,
  summary: 'Metal compute kernels (`kernel` functions) in .metal files; found, not run',
  options: Options,
  extensions: ['.metal'],
  findKernels: (file) =>
    findMarkedKernels(file, { word: /\bkernel\b(?!\s*[,;)=])/, hasGrammar: false, findLaunches: () => [] }),
}
